/** Runs as a tree: branches below the run that they were forked from. */

/** What is needed of a run. */
export interface TreeRun {
  readonly id: string;
  readonly parent: string | undefined;
  readonly forkStep: number | undefined;
}

/** A run at its place in the tree. */
export interface TreePlace<T> {
  readonly run: T;
  /** What stands before its id, such as `│  ├─ `. */
  readonly prefix: string;
}

/**
 * Runs in the order of the tree. Roots stay in the order given; a run whose parent is not among them is a root.
 * Branches come by the step of their fork. Whatever `parent` says, each run comes once.
 */
export function treeOrder<T extends TreeRun>(runs: readonly T[]): TreePlace<T>[] {
  const ids = new Set(runs.map(({ id }) => id));
  const branches = Map.groupBy(runs, ({ parent }) => parent);
  const placed = new Set<string>();
  const out: TreePlace<T>[] = [];
  const place = (run: T, own: string, below: string) => {
    if (placed.has(run.id)) return;
    placed.add(run.id);
    out.push({ run, prefix: own });
    const children = (branches.get(run.id) ?? []).toSorted((a, b) => (a.forkStep ?? 0) - (b.forkStep ?? 0));
    for (const [i, child] of children.entries()) {
      const last = i === children.length - 1;
      place(child, `${below}${last ? "└─ " : "├─ "}`, `${below}${last ? "   " : "│  "}`);
    }
  };
  for (const run of runs) if (run.parent === undefined || !ids.has(run.parent)) place(run, "", "");
  // A file may claim that runs are each other's branches.
  for (const run of runs) place(run, "", "");
  return out;
}

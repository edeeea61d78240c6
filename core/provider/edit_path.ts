/** A place in a JSON value, such as `content[0].text`, `$.choices.0.message` or `a["b.c"]`, and setting it. */

/** Keys and indices, outermost first. @throws RangeError for what is no path. */
export function parsePath(path: string): readonly string[] {
  const keys: string[] = [];
  const step = /^(?:\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\])/;
  let rest = path.replace(/^\$/, "");
  while (rest !== "") {
    const match = step.exec(rest);
    if (match === null) throw new RangeError(`no path of keys and indices: ${JSON.stringify(path)}`);
    keys.push(match[1] ?? match[2] ?? JSON.parse(`"${match[3]}"`) as string);
    rest = rest.slice(match[0].length);
  }
  if (keys.length === 0) throw new RangeError("an empty path");
  return keys;
}

/**
 * A copy of `value` with `to` at `path`. The last key may be new; everything before it must be there.
 * @throws RangeError where it is not.
 */
export function setAt(value: unknown, path: string, to: unknown): unknown {
  const keys = parsePath(path);
  const copy = structuredClone(value);
  let at = copy;
  keys.forEach((key, i) => {
    if (typeof at !== "object" || at === null) {
      throw new RangeError(`nothing at ${JSON.stringify(keys.slice(0, i).join("."))} that could hold ${key}`);
    }
    const last = i === keys.length - 1;
    if (Array.isArray(at)) {
      const most = last ? at.length : at.length - 1;
      if (!/^\d+$/.test(key) || Number(key) > most) {
        throw new RangeError(
          `no place ${key} in ${keys.slice(0, i).join(".") || "the list"}, which has ${at.length}`,
        );
      }
    } else if (!last && !Object.hasOwn(at, key)) {
      throw new RangeError(`no ${key} in ${keys.slice(0, i).join(".") || "the answer"}`);
    }
    if (last) (at as Record<string, unknown>)[key] = to;
    else at = (at as Record<string, unknown>)[key];
  });
  return copy;
}

/**
 * The rules of scripts/check.ts and the counting of scripts/test.ts, each shown to fail on a tree made up for it
 * and to pass on the nearest tree that is right.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkCycles,
  checkImports,
  checkNames,
  checkPreload,
  checkSizes,
  checkSuites,
  checkVersion,
  checkWords,
  type Files,
  importsOf,
  maskSource,
  medianSize,
  type Violation,
} from "../../scripts/check.ts";
import { countTests, filesWithoutTest } from "../../scripts/test.ts";

const tree = (files: Record<string, string>): Files => new Map(Object.entries(files));
const lines = (count: number): string => "1;\n".repeat(count);
const told = (found: readonly Violation[]): string[] =>
  found.map(({ file, line, message }) => `${file}:${line}: ${message}`);

/** One violation and no more, at `place`, that says `what`. */
function assertOnly(found: readonly Violation[], place: string, what: RegExp): void {
  assert.equal(found.length, 1, told(found).join("\n"));
  assert.equal(`${found[0]!.file}:${found[0]!.line}`, place);
  assert.match(found[0]!.message, what);
}

/** A tree in which `core/<from>/a.ts` has `statement` on its second line, and each folder has an `x.ts`. */
function importing(from: string, statement: string): Files {
  const folders = ["base", "tape", "store", "session", "seams", "provider", "engine", "report", "commands"];
  const others = folders.map((folder) => [`core/${folder}/x.ts`, ""] as const);
  return new Map([...others, ["wasm/x.ts", ""], [from, `// head\n${statement}\n`]]);
}

test("check: an import against the table is reported with its place, whatever its form", () => {
  for (
    const statement of [
      'import { x } from "../store/x.ts";',
      'import {x}from"../store/x.ts"',
      'import x, * as y from "../store/x.ts";',
      'import "../store/x.ts";',
      'export * from "../store/x.ts";',
      'export { x } from "../store/x.ts";',
      'import type { X } from "../store/x.ts";',
      'const x = await import("../store/x.ts");',
      'type X = typeof import("../store/x.ts");',
    ]
  ) {
    assertOnly(
      checkImports(importing("core/tape/a.ts", statement)),
      "core/tape/a.ts:2",
      /^tape imports store: it may import base, wasm$/,
    );
  }
});

test("check: each folder is held to its own row of the table", () => {
  const wrong: Record<string, string> = {
    "core/base/a.ts": "../tape/x.ts",
    "core/store/a.ts": "../session/x.ts",
    "core/session/a.ts": "../seams/x.ts",
    "core/seams/a.ts": "../../wasm/x.ts",
    "core/preload/a.ts": "../engine/x.ts",
    "core/provider/a.ts": "../store/x.ts",
    "core/launch/a.ts": "../session/x.ts",
    "core/analyse/a.ts": "../engine/x.ts",
    "core/engine/a.ts": "../report/x.ts",
    "core/report/a.ts": "../commands/x.ts",
    "core/report/b.ts": "../engine/x.ts",
    "wasm/a.ts": "../core/base/x.ts",
    "cli.ts": "./core/engine/x.ts",
  };
  for (const [file, specifier] of Object.entries(wrong)) {
    assertOnly(checkImports(importing(file, `import { x } from "${specifier}";`)), `${file}:2`, /may import/);
  }
  for (const specifier of ["../report/x.ts", "../engine/x.ts", "../../wasm/x.ts"]) {
    assert.deepEqual(checkImports(importing("core/commands/a.ts", `import "${specifier}";`)), []);
  }
  assert.deepEqual(checkImports(importing("cli.ts", 'import "./core/commands/x.ts";')), []);
});

test("check: where only types may be imported, a value is reported", () => {
  for (const [folder, other] of [["analyse", "store"], ["report", "session"]]) {
    const file = `core/${folder}/a.ts`;
    const asValue = importing(file, `import { type X } from "../${other}/x.ts";`);
    assertOnly(checkImports(asValue), `${file}:2`, new RegExp(`and ${other} with .import type`));
    assert.deepEqual(checkImports(importing(file, `import type { X } from "../${other}/x.ts";`)), []);
  }
});

test("check: a folder that is not in the table and a file that is not there are reported", () => {
  assertOnly(checkImports(tree({ "core/new/a.ts": "" })), "core/new/a.ts:1", /not in the import table/);
  assertOnly(checkImports(tree({ "core/base/a.ts": 'import "./b.ts";' })), "core/base/a.ts:1", /not exist/);
  assertOnly(
    checkImports(importing("core/engine/a.ts", 'import "../../scripts/x.ts";')).slice(1),
    "core/engine/a.ts:2",
    /imports scripts/,
  );
});

test("check: node:sqlite has one place, and pure folders import no built-in module and no package", () => {
  const sqlite = 'import { DatabaseSync } from "node:sqlite";';
  assert.deepEqual(checkImports(importing("core/store/database.ts", sqlite)), []);
  assertOnly(checkImports(importing("core/store/a.ts", sqlite)), "core/store/a.ts:2", /node:sqlite/);
  assertOnly(
    checkImports(importing("core/engine/a.ts", `await import("node:sqlite")`)),
    "core/engine/a.ts:2",
    /sqlite/,
  );
  for (const folder of ["base", "tape", "session", "analyse"]) {
    for (const specifier of ["node:fs", "valibot"]) {
      const found = checkImports(importing(`core/${folder}/a.ts`, `import * as x from "${specifier}";`));
      assertOnly(found, `core/${folder}/a.ts:2`, /no I\/O/);
    }
  }
  assert.deepEqual(checkImports(importing("core/store/a.ts", 'import * as fs from "node:fs";')), []);
});

test("check: what looks like an import in a comment, a string or a template is none", () => {
  const text = [
    '// import "../store/x.ts";',
    '/** import { a } from "../store/x.ts"; */',
    `const a = 'import "../store/x.ts";', b = \`\${"}"} import "../store/x.ts"; \${{ c: "\`" }}\`;`,
    'const quote = /["\'`]/g, half = 1 / 2; // "',
    'import "./b.ts";',
  ].join("\n");
  assert.deepEqual(importsOf(text), [{ specifier: "./b.ts", line: 5, kind: "value" }]);
  assert.equal(maskSource(text).length, text.length);
});

test("check: files that import each other in a circle are reported once, with the way around", () => {
  const a = 'import { b } from "./b.ts";\n';
  const b = '\nimport { c } from "./c.ts";\n';
  const circle = tree({
    "core/base/a.ts": a,
    "core/base/b.ts": b,
    "core/base/c.ts": 'export * from "./a.ts";',
  });
  assertOnly(
    checkCycles(circle),
    "core/base/c.ts:1",
    /core\/base\/a\.ts → core\/base\/b\.ts → core\/base\/c\.ts → core\/base\/a\.ts/,
  );
  assertOnly(checkCycles(tree({ "core/base/a.ts": 'import "./a.ts";' })), "core/base/a.ts:1", /circle/);
});

test("check: types, import() and two ways to one file make no circle", () => {
  const files = {
    "core/base/a.ts": 'import "./b.ts";\nimport "./c.ts";',
    "core/base/b.ts": 'import "./c.ts";',
  };
  for (const back of ['import type { A } from "./a.ts";', 'const a = await import("./a.ts");']) {
    assert.deepEqual(checkCycles(tree({ ...files, "core/base/c.ts": back })), []);
  }
});

test("check: the preload holds no package and loads nothing that it patches, through any file", () => {
  const main = { "core/preload/main.ts": 'import "../seams/a.ts";' };
  for (
    const name of ["node:crypto", "node:timers", "node:timers/promises", "node:http", "node:https", "crypto"]
  ) {
    const found = checkPreload(tree({ ...main, "core/seams/a.ts": `\nimport { x } from "${name}";` }));
    assertOnly(found, "core/seams/a.ts:2", /before it is patched/);
  }
  for (const statement of ['import { z } from "valibot";', 'await import("valibot");']) {
    const found = checkPreload(tree({ ...main, "core/seams/a.ts": statement }));
    assertOnly(found, "core/seams/a.ts:1", /package valibot/);
  }
  assertOnly(checkPreload(tree({})), "core/preload/main.ts:1", /missing/);
});

test("check: the preload may load built-ins that it doesn't patch, any as a type, and any later", () => {
  const text =
    'import "node:fs";\nimport type { Hash } from "node:crypto";\nconst c = await import("node:crypto");';
  assert.deepEqual(checkPreload(tree({ "core/preload/main.ts": text })), []);
  const aside = tree({ "core/preload/main.ts": "", "core/engine/a.ts": 'import "node:crypto";' });
  assert.deepEqual(checkPreload(aside), []);
});

test("check: a stray console, Deno or Bun is reported with its place", () => {
  for (const access of ["console.log(1)", "console?.log(1)", 'console["log"](1)', "console\n.log(1)"]) {
    assertOnly(checkNames(tree({ "core/tape/a.ts": `\n${access};` })), "core/tape/a.ts:2", /console/);
  }
  for (
    const access of [
      "Deno.pid",
      "Bun.version",
      "Bun?.version",
      "globalThis.Deno",
      "(globalThis as { Bun?: object }).Bun",
      "const { Deno } = globalThis as unknown as { Deno?: object }",
    ]
  ) {
    assertOnly(checkNames(tree({ "core/launch/a.ts": `\n${access};` })), "core/launch/a.ts:2", /Deno/);
  }
});

test("check: a change of the global object is reported, whatever its form", () => {
  for (
    const change of [
      "globalThis.fetch = mine",
      "globalThis.a ??= 1",
      'globalThis["a"] = 1',
      "globalThis.Date.now = mine",
      "(globalThis as unknown as Loose).a = 1",
      "delete globalThis.a",
      'Object.defineProperty(globalThis, "a", { value: 1 })',
      "Object.assign(globalThis, {})",
      'Reflect.set(globalThis, "a", 1)',
    ]
  ) {
    assertOnly(
      checkNames(tree({ "core/engine/a.ts": `\n${change};` })),
      "core/engine/a.ts:2",
      /global object/,
    );
    assert.deepEqual(checkNames(tree({ "core/seams/registry.ts": change })), []);
  }
});

test("check: names are free where they belong, in words, and when only looked at", () => {
  const use = "console.log(Deno.pid, Bun.version);";
  for (const file of ["core/preload/a.ts", "tests/e2e/a.test.ts", "scripts/a.ts"]) {
    assert.deepEqual(checkNames(tree({ [file]: use })), [], file);
  }
  const quiet = [
    "// console.log, Deno.pid, globalThis.a = 1",
    'const text = "console.log(Deno.pid)" + `Bun.version`;',
    "if (globalThis.a === globalThis.b || globalThis.c == 1) io.console = myBun.a;",
    "const pick = () => globalThis.a;",
  ].join("\n");
  assert.deepEqual(checkNames(tree({ "core/tape/a.ts": quiet, "core/demo.md": use })), []);
});

test("check: an oversize file is reported, a large one is a warning, generated ones are free", () => {
  assertOnly(checkSizes(tree({ "tests/unit/a.ts": lines(601) })), "tests/unit/a.ts:1", /^601 lines/);
  const warned = checkSizes(tree({ "tests/unit/a.ts": lines(600), "scripts/b.ts": lines(400) }));
  assertOnly(warned, "tests/unit/a.ts:1", /^600 lines/);
  assert.equal(warned[0]!.warning, true);
  assert.deepEqual(checkSizes(tree({ "wasm/core_generated.ts": lines(700), "README.md": lines(700) })), []);
});

test("check: the median is that of what ships, and has its limit", () => {
  const small = { "core/base/a.ts": lines(151), "core/base/b.ts": lines(150), "core/base/c.ts": lines(10) };
  assert.equal(medianSize(tree({ ...small, "tests/unit/d.ts": lines(300) })), 150);
  assert.deepEqual(checkSizes(tree(small)), []);
  assertOnly(
    checkSizes(tree({ ...small, "wasm/d.ts": lines(200), "cli.ts": lines(200) })),
    "core:1",
    /median/,
  );
});

test("check: two versions, or none, are reported", () => {
  const version = (code: string, config: string) =>
    checkVersion(tree({ "core/base/version.ts": code, "deno.json": config }));
  assert.deepEqual(version('\nexport const VERSION = "1.2.3";', '{"version":"1.2.3"}'), []);
  const place = "core/base/version.ts";
  assertOnly(
    version('\nexport const VERSION = "1.2.4";', '{"version":"1.2.3"}'),
    `${place}:2`,
    /1\.2\.4.*1\.2\.3/,
  );
  assertOnly(version("", '{"version":"1.2.3"}'), `${place}:1`, /missing/);
  assertOnly(checkVersion(tree({})), `${place}:1`, /missing/);
});

test("check: a test that no suite would run is reported", () => {
  const good = {
    "tests/unit/a.test.ts": "",
    "tests/slow/wasm_a.test.ts": "",
    "tests/e2e/agents/agent.ts": "",
  };
  assert.deepEqual(checkSuites(tree(good)), []);
  for (
    const file of [
      "tests/new/a.test.ts",
      "tests/unit/deep/a.test.ts",
      "tests/unit/a_test.ts",
      "tests/cli/a.test.mjs",
    ]
  ) {
    assertOnly(checkSuites(tree({ ...good, [file]: "" })), `${file}:1`, /no suite/);
  }
});

test("check: this machine's paths, registry hosts and undone work are reported in any text file", () => {
  const machine = { paths: ["/srv/some/checkout"], hosts: ["packages.example"] };
  // In two pieces, or this file would break the rule itself.
  const pieces: readonly (readonly [string, string, RegExp])[] = [
    ["see /srv/some/", "checkout/core", /path of one machine/],
    ["see '/ho", "me/somebody/x'", /path of one machine/],
    ["(file:///ro", "ot/x)", /path of one machine/],
    ["https://regi", "stry.npmjs.org/x", /registry's host/],
    ["packages.", "example", /registry's host/],
    ['"tar', 'ball": ""', /registry's host/],
    ["// TO", "DO: later", /undone/],
    ["FIX", "ME", /undone/],
  ];
  for (const [one, two, what] of pieces) {
    assertOnly(checkWords(tree({ "docs/a.md": `\n${one}${two}\n` }), machine), "docs/a.md:2", what);
  }
  const fine =
    "todo, the npm registry, npm:valibot@1, ~/x, ./root/x, https://a.example/work/x, ${dir}/srv/some/checkout";
  assert.deepEqual(checkWords(tree({ "docs/a.md": fine }), machine), []);
});

const report = (inner: string): string =>
  `<?xml version="1.0"?>\n<testsuites name="all">\n${inner}\n</testsuites>`;
const counted = (inner: string): unknown[] => {
  const { passed, failed, skipped, files } = countTests(report(inner), "/repo");
  return [passed, failed, skipped, [...files]];
};

test("test: Bun's report is counted", () => {
  const inner = `<testsuite name="tests/unit/a.test.ts" file="tests/unit/a.test.ts" tests="4" failures="1">
    <testcase name="one &gt; half" classname="" file="tests/unit/a.test.ts" />
    <testcase name="two" classname="" file="tests/unit/a.test.ts"><failure message="1 &lt; 2">no</failure></testcase>
    <testcase name="three" file="tests/unit/a.test.ts"><skipped /></testcase>
    <testsuite name="d"><testcase name="four" classname="d" file="tests/unit/a.test.ts" /></testsuite>
  </testsuite>`;
  assert.deepEqual(counted(inner), [2, 1, 1, ["tests/unit/a.test.ts"]]);
});

test("test: Deno's report is counted by its leaves; a holder counts only when it alone failed", () => {
  const inner = (leaf: string) =>
    `<testsuite name="./tests/unit/a.test.ts">
    <testcase name="d" classname="x"><failure message="1 test step failed">no</failure></testcase></testsuite>
    <testsuite name="ext:deno_node/testing.ts"><testcase name="d &gt; e" classname="x"></testcase>
    <testcase name="d &gt; e &gt; f" classname="x">${leaf}</testcase></testsuite>`;
  const [passed, failed] = counted(inner("<failure>no</failure>"));
  assert.deepEqual([passed, failed], [0, 1]);
  assert.deepEqual(counted(inner("")).slice(0, 2), [1, 1]);
  assert.ok((counted(inner(""))[3] as string[]).includes("tests/unit/a.test.ts"));
});

test("test: Node's stand-in for a file is no test when it passed, and a failure when it failed", () => {
  const stand = (inner: string) =>
    `<testcase name="tests/unit/a.test.ts" file="/repo/tests/unit/a.test.ts"${inner}`;
  assert.deepEqual(counted(stand("/>")), [0, 0, 0, []]);
  assert.deepEqual(counted(stand(' failure="x"><failure type="y">no</failure></testcase>')), [0, 1, 0, []]);
  const real =
    '<testcase name="one &lt;b>" file="/repo/tests/unit/a.test.ts"/><!-- <testcase name="no"/> -->';
  assert.deepEqual(counted(real), [1, 0, 0, ["tests/unit/a.test.ts"]]);
});

test("test: no report is no test", () => {
  const { passed, failed, skipped, files } = countTests("", "/repo");
  assert.deepEqual([passed, failed, skipped, files.size], [0, 0, 0, 0]);
});

test("test: a file without a test is told on each runtime, one whose tests stand in a helper is not", () => {
  const files = ["tests/unit/a.test.ts", "tests/unit/b.test.ts"];
  const ofDeno = countTests(
    report('<testsuite name="./tests/helper.ts"><testcase name="x"/></testsuite>'),
    "/repo",
  );
  const said = "running 2 tests from ./tests/unit/a.test.ts\nrunning 0 tests from ./tests/unit/b.test.ts\n";
  assert.deepEqual(filesWithoutTest("deno", files, ofDeno, said), ["tests/unit/b.test.ts"]);
  assert.deepEqual(filesWithoutTest("deno", files, ofDeno, ""), files);

  const ofBun = countTests(report('<testcase name="x" file="tests/unit/a.test.ts"/>'), "/repo");
  assert.deepEqual(filesWithoutTest("bun", files, ofBun, ""), ["tests/unit/b.test.ts"]);

  const standIn = '<testcase name="tests/unit/b.test.ts" file="/repo/tests/unit/b.test.ts"/>';
  const ofNode = countTests(report(`<testcase name="x" file="/repo/tests/helper.ts"/>${standIn}`), "/repo");
  assert.deepEqual(filesWithoutTest("node", files, ofNode, ""), ["tests/unit/b.test.ts"]);
});

/** Tables for terminals, and the same rows for pipes: no header, no cutting, tabs between cells. */

/** Where the table goes. */
export interface TableTarget {
  readonly outIsTerminal: boolean;
  readonly colour: boolean;
}

/** Control characters of recorded text could drive the terminal: they are shown, not sent. */
export function printable(text: string): string {
  return Array.from(text, (char) => {
    const code = char.codePointAt(0)!;
    const control = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    const bidi = code === 0x200e || code === 0x200f || (code >= 0x202a && code <= 0x202e) ||
      (code >= 0x2066 && code <= 0x2069);
    return control || bidi ? `\\u${code.toString(16).padStart(4, "0")}` : char;
  }).join("");
}

/** Lays out rows of equally many cells. */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  target: TableTarget,
): string {
  const clean = rows.map((row) => row.map(printable));
  if (!target.outIsTerminal) return clean.map((row) => `${row.join("\t")}\n`).join("");
  if (clean.length === 0) return "";
  const widths = header.map((name, i) =>
    Math.min(60, Math.max(name.length, ...clean.map((row) => row[i]!.length)))
  );
  const cut = (cell: string, width: number) =>
    cell.length > width ? `${cell.slice(0, width - 1)}…` : cell.padEnd(width);
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, i) => cut(cell, widths[i]!)).join("  ").trimEnd()}\n`;
  const head = line(header);
  return (target.colour ? `\u001b[2m${head}\u001b[22m` : head) + clean.map(line).join("");
}

/** A plot as SVG: lines over steps on logarithmic axes, readable on light and dark, with its own legend. */

/** One line of a plot. */
export interface Line {
  readonly name: string;
  readonly colour: string;
  /** Values above zero. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** One plot beside others. */
export interface Panel {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [460, 300];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 16, 34, 56];

function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  return (value) => from + (Math.log10(value) - low) / (high - low || 1) * (to - from);
}

/** Powers of ten around the values. */
function decades(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
}

const short = (value: number) => value >= 1 ? value.toLocaleString("en") : String(value);

function drawPanel({ title, unit, lines }: Panel, at: number): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const rows = decades(lines.flatMap(({ points }) => points.map(([, y]) => y)));
  const x = scale(xs, at + LEFT, at + WIDTH - RIGHT);
  const y = scale(rows, HEIGHT - BOTTOM, TOP);
  const out = [`<text x="${at + LEFT}" y="18" font-weight="bold">${title}, ${unit}</text>`];
  for (const value of rows) {
    const row = y(value).toFixed(1);
    out.push(
      `<line x1="${at + LEFT}" x2="${at + WIDTH - RIGHT}" y1="${row}" y2="${row}" stroke="#8884"/>`,
      `<text x="${at + LEFT - 6}" y="${row}" dy="4" text-anchor="end">${short(value)}</text>`,
    );
  }
  for (const value of xs) {
    out.push(
      `<text x="${x(value).toFixed(1)}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${value}</text>`,
    );
  }
  lines.forEach(({ name, colour, points }, i) => {
    const path = points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
    const legend = at + LEFT + i * 130;
    out.push(
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map(([px, py]) =>
        `<circle cx="${x(px).toFixed(1)}" cy="${y(py).toFixed(1)}" r="3" fill="${colour}"/>`
      ),
      `<circle cx="${legend}" cy="${HEIGHT - 14}" r="4" fill="${colour}"/>`,
      `<text x="${legend + 9}" y="${HEIGHT - 10}">${name}</text>`,
    );
  });
  return out.join("\n");
}

/** Panels side by side. */
export function plot(panels: readonly Panel[]): string {
  const width = panels.length * WIDTH;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#888">
${panels.map((panel, i) => drawPanel(panel, i * WIDTH)).join("\n")}
</svg>
`;
}

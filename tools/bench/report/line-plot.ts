export interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LinePlot {
  readonly title: string;
  readonly xTitle: string;
  readonly lines: readonly Line[];
}

const width = 720;
const height = 400;
const frame = { left: 56, right: 600, top: 48, bottom: 340 };

/** Names at the ends of lines stand at least so far apart. */
const nameHeight = 16;

/** Lines over a logarithmic x axis, and a y axis that begins with 0, as SVG. */
export function drawLines({ title, xTitle, lines }: LinePlot): string {
  const xs = [...new Set(lines.flatMap(({ points }) => points.map(([x]) => x)))].sort(ascending);
  const ys = lines.flatMap(({ points }) => points.map(([, y]) => y));
  const place = scale(xs, niceMost(Math.max(...ys)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    text(frame.left, 26, title, 'font-size="15" font-weight="bold"'),
    ...yAxis(place),
    ...xs.map((x) => text(place.x(x), frame.bottom + 20, number(x), 'text-anchor="middle"')),
    text((frame.left + frame.right) / 2, frame.bottom + 44, xTitle, 'text-anchor="middle"'),
    ...lines.map((line) => drawLine(line, place)),
    ...names(lines, place),
    '</svg>\n',
  ].join('\n');
}

interface Place {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly maxY: number;
}

function scale(xs: readonly number[], maxY: number): Place {
  const [least, most] = [Math.log(xs[0] ?? 1), Math.log(xs.at(-1) ?? 1)];
  const share = (value: number) => (Math.log(value) - least) / (most - least || 1);
  return {
    x: (value) => round(frame.left + share(value) * (frame.right - frame.left)),
    y: (value) => round(frame.bottom - (value / maxY) * (frame.bottom - frame.top)),
    maxY,
  };
}

/** Five steps to it are round numbers. */
function niceMost(value: number): number {
  const magnitude = 10 ** Math.floor(Math.log10(value));
  const factor = [1, 1.5, 2, 2.5, 5, 10].find((nice) => nice * magnitude >= value) ?? 10;
  return factor * magnitude;
}

function yAxis({ y, maxY }: Place): string[] {
  const values = [0, 1, 2, 3, 4, 5].map((step) => (maxY / 5) * step);
  return values.flatMap((value) => [
    `<path d="M${frame.left} ${y(value)}H${frame.right}" stroke="#ddd"/>`,
    text(frame.left - 8, y(value) + 4, number(value), 'text-anchor="end"'),
  ]);
}

function drawLine({ colour, points }: Line, { x, y }: Place): string {
  const corners = points.map(([px, py]) => `${x(px)} ${y(py)}`);
  const dots = points.map(
    ([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3.5" fill="${colour}"/>`,
  );
  const path = `<path d="M${corners.join('L')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
  return [path, ...dots].join('\n');
}

/** From the highest line down, each below the one before. */
function names(lines: readonly Line[], { y }: Place): string[] {
  const ends = lines.map((line) => ({ line, at: y(line.points.at(-1)?.[1] ?? 0) + 4 }));
  let lowest = Number.NEGATIVE_INFINITY;
  return ends
    .sort((a, b) => a.at - b.at)
    .map(({ line, at }) => {
      lowest = Math.max(at, lowest + nameHeight);
      return text(frame.right + 12, lowest, line.name, `fill="${line.colour}" font-weight="bold"`);
    });
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${content}</text>`;
}

function number(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 2 });
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function ascending(a: number, b: number): number {
  return a - b;
}

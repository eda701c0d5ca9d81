import type { Row } from "./run.ts";
import { count, ratio, type Section, sections } from "./table.ts";

const columnWidth = 480;
const columns = 2;
const labelWidth = 110;
const valueWidth = 130;
const barHeight = 14;
const barGap = 4;
const sectionGap = 44;
const colors: Record<string, string> = { trunkline: "#0b6e4f", "trunkline-bare": "#6bbf59", "raw-socket": "#b8b8b8" };

/** Bars of calls (or messages) a second, each section on a scale of its own, in columns of even height. */
export function chart(rows: readonly Row[]): string {
  const heights = new Array<number>(columns).fill(16);
  const drawn: string[] = [];
  for (const section of sections(rows)) {
    const column = heights.indexOf(Math.min(...heights));
    const x = column * columnWidth;
    const y = heights[column] as number;
    drawn.push(`<text x="${x + 16}" y="${y + 14}" class="title">${section.title}</text>`);
    drawn.push(...bars(section, x, y + 24));
    heights[column] = y + section.rows.length * (barHeight + barGap) + sectionGap;
  }
  const width = columns * columnWidth;
  const height = Math.max(...heights);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Calls a second, contender by contender</title>
<style>text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:13px}.value{fill:#555}</style>
<rect width="${width}" height="${height}" fill="#fff"/>
${drawn.join("\n")}
</svg>
`;
}

function bars(section: Section, left: number, top: number): string[] {
  const most = Math.max(...section.rows.map(({ callsPerSecond }) => callsPerSecond));
  const start = left + labelWidth + 8;
  return section.rows.flatMap((row, i) => {
    const y = top + i * (barHeight + barGap);
    const length = Math.max(1, ((columnWidth - labelWidth - valueWidth - 8) * row.callsPerSecond) / most);
    const times = ratio(row, "grpc-js", section);
    const value = `${count(row.callsPerSecond)}${times === undefined ? "" : ` (${times.toFixed(1)}x)`}`;
    const color = colors[row.contender] ?? "#8aa5c8";
    return [
      `<text x="${left + labelWidth}" y="${y + 11}" text-anchor="end">${row.contender}</text>`,
      `<rect x="${start}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${color}"/>`,
      `<text x="${(start + length + 6).toFixed(1)}" y="${y + 11}" class="value">${value}</text>`,
    ];
  });
}

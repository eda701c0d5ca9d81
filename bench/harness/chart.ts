import type { Row } from "./run.ts";
import { count, ratio, type Section, sections } from "./table.ts";

const width = 860;
const labelWidth = 130;
const valueWidth = 150;
const barHeight = 16;
const barGap = 4;
const sectionGap = 44;
const colors: Record<string, string> = { trunkline: "#0b6e4f", "trunkline-bare": "#6bbf59", "raw-socket": "#b8b8b8" };

/** Bars of calls (or messages) a second, each section on a scale of its own. */
export function chart(rows: readonly Row[]): string {
  let y = 16;
  const drawn: string[] = [];
  for (const section of sections(rows)) {
    drawn.push(`<text x="16" y="${y + 14}" class="title">${section.title}</text>`);
    drawn.push(...bars(section, y + 24));
    y += section.rows.length * (barHeight + barGap) + sectionGap;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" role="img">
<title>Calls a second, contender by contender</title>
<style>text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600;font-size:13px}.value{fill:#555}</style>
<rect width="${width}" height="${y}" fill="#fff"/>
${drawn.join("\n")}
</svg>
`;
}

function bars(section: Section, top: number): string[] {
  const most = Math.max(...section.rows.map(({ callsPerSecond }) => callsPerSecond));
  return section.rows.flatMap((row, i) => {
    const y = top + i * (barHeight + barGap);
    const length = Math.max(1, ((width - labelWidth - valueWidth - 16) * row.callsPerSecond) / most);
    const times = ratio(row, "grpc-js", section);
    const value = `${count(row.callsPerSecond)}${times === undefined ? "" : ` (${times.toFixed(1)}x)`}`;
    return [
      `<text x="${labelWidth}" y="${y + 12}" text-anchor="end">${row.contender}</text>`,
      `<rect x="${labelWidth + 8}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="2" fill="${
        colors[row.contender] ?? "#8aa5c8"
      }"/>`,
      `<text x="${(labelWidth + 14 + length).toFixed(1)}" y="${y + 12}" class="value">${value}</text>`,
    ];
  });
}

import type { Row } from "./run.ts";
import { quickShapes } from "./shapes.ts";

type Compare = (ours: Row, theirs: Row) => string;

const times: Compare = (ours, theirs) => multiple(ours.callsPerSecond / theirs.callsPerSecond);
const share: Compare = (ours, theirs) => `${((100 * ours.callsPerSecond) / theirs.callsPerSecond).toFixed(0)} %`;
const cpu: Compare = (ours, theirs) =>
  multiple((theirs.serverCpuUs + theirs.clientCpuUs) / (ours.serverCpuUs + ours.clientCpuUs));
const late: Compare = (ours, theirs) => multiple(theirs.p99Us / ours.p99Us);

const lines: readonly (readonly [text: string, against: Row["contender"], tls: boolean, compare: Compare])[] = [
  ["calls a second, against grpc-js", "grpc-js", false, times],
  ["the same, TLS", "grpc-js", true, times],
  ["as a share of the raw socket's", "raw-socket", false, share],
  ["as a share of trunkline-bare's", "trunkline-bare", false, share],
  ["processor time of grpc-js against ours", "grpc-js", false, cpu],
  ["p99 of grpc-js against ours", "grpc-js", false, late],
];

/** `trunkline` against the others, in Markdown: a line a question, a column a shape. Empty where nothing compares. */
export function summary(rows: readonly Row[]): string {
  const columns = quickShapes.map(({ name, inFlight }) => (name === "unary" ? `unary, ${inFlight}` : name));
  const answered = lines.flatMap(([text, against, tls, compare]) => {
    const cells = quickShapes.map(({ name, inFlight }) => {
      const find = (contender: Row["contender"]) =>
        rows.find(
          (row) => row.contender === contender && row.shape === name && row.inFlight === inFlight && row.tls === tls,
        );
      const ours = find("trunkline");
      const theirs = find(against);
      return ours && theirs ? compare(ours, theirs) : "-";
    });
    return cells.every((cell) => cell === "-") ? [] : [`| ${[text, ...cells].join(" | ")} |`];
  });
  if (answered.length === 0) return "";
  return [`| trunkline | ${columns.join(" | ")} |`, `| --- |${" ---: |".repeat(columns.length)}`, ...answered].join(
    "\n",
  );
}

function multiple(value: number): string {
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)}x`;
}

import {
  Peer_Circuit as Circuit,
  Registration_State as Held,
  type Method,
  type Process,
  Server_State as State,
  type Traffic,
  type WatchResponse,
} from "../../gen/trunkline/admin/v1/admin.ts";
import { msOf } from "../admin/times.ts";
import { shortened } from "../core/printable.ts";
import type { Fleet, Instance } from "./fleet.ts";
import type { Line, Style } from "./screen.ts";

/** Rows of a table, where nothing is said of how many fit. */
const MOST_ROWS = 20;

/** The fleet as it stands, in `rows` lines or fewer: what is wrong, then the methods that are called most, then processes. */
export function topTables(fleet: Fleet, rows: number = Number.POSITIVE_INFINITY): Line[] {
  const instances = fleet.instances();
  const problems = trouble(fleet);
  const methods = methodsOf(instances);
  const most = Math.min(MOST_ROWS, Math.max(3, Math.floor((rows - problems.length - 10) / 2)));
  return [
    headline(instances, methods),
    ...problems.slice(0, most).map((text): Line => [{ text: `! ${shortened(text)}`, style: "red" }]),
    ...more(problems.length - most),
    [],
    ...table(["method", "calls/s", "failed/s", "p50", "p99", "in flight"], methods.slice(0, most).map(methodRow)),
    ...more(methods.length - most),
    [],
    ...table(
      ["process", "state", "calls/s", "failed/s", "connections", "memory", "loop"],
      instances.slice(0, most).map(processRow),
    ),
    ...more(instances.length - most + fleet.more),
  ];
}

interface Total {
  readonly path: string;
  perSecond: number;
  failedPerSecond: number;
  inFlight: number;
  /** Of the process where they are longest, in milliseconds. */
  p50: number;
  p99: number;
}

function headline(instances: readonly Instance[], methods: readonly Total[]): Line {
  const calls = methods.reduce((sum, { perSecond }) => sum + perSecond, 0);
  const failed = methods.reduce((sum, { failedPerSecond }) => sum + failedPerSecond, 0);
  const share = calls === 0 ? 0 : (failed / calls) * 100;
  const style: Style = share >= 1 ? "red" : "green";
  return [
    { text: `${instances.length} ${instances.length === 1 ? "process" : "processes"}`, style: "bold" },
    `   ${rate(calls)} calls/s   `,
    { text: `${share.toFixed(share < 10 ? 1 : 0)} % failed`, style },
  ];
}

/** The calls that servers answered, method by method, the most called first. */
function methodsOf(instances: readonly Instance[]): Total[] {
  const totals = new Map<string, Total>();
  for (const method of instances.flatMap(({ picture }) => answered(picture))) {
    const { path, inFlight, traffic } = method;
    const total = totals.get(path) ?? { path, perSecond: 0, failedPerSecond: 0, inFlight: 0, p50: 0, p99: 0 };
    totals.set(path, total);
    total.inFlight += inFlight;
    total.perSecond += traffic?.perSecond ?? 0;
    total.failedPerSecond += traffic?.failedPerSecond ?? 0;
    total.p50 = Math.max(total.p50, timeOf(traffic, "p50"));
    total.p99 = Math.max(total.p99, timeOf(traffic, "p99"));
  }
  return [...totals.values()].sort((a, b) => b.perSecond - a.perSecond || a.path.localeCompare(b.path));
}

function answered(picture: WatchResponse | undefined): Method[] {
  // To look at a process is no work of its own.
  return (picture?.servers ?? []).flatMap(({ methods }) =>
    methods.filter(({ path }) => !path.startsWith("/trunkline.admin.")),
  );
}

function methodRow({ path, perSecond, failedPerSecond, p50, p99, inFlight }: Total): Row {
  return [shortened(path.slice(1)), rate(perSecond), failing(failedPerSecond), time(p50), time(p99), `${inFlight}`];
}

function processRow({ address, picture, problem }: Instance): Row {
  if (picture === undefined || problem !== undefined) {
    return [address, { text: problem === undefined ? "connecting" : "silent", style: "red" }, "", "", "", "", ""];
  }
  const methods = answered(picture);
  const sum = (of: "perSecond" | "failedPerSecond") =>
    methods.reduce((total, { traffic }) => total + (traffic?.[of] ?? 0), 0);
  const connections = picture.servers.reduce((total, server) => total + server.connections, 0);
  const { residentMemory = 0n, loopDelay }: Partial<Process> = picture.process ?? {};
  return [
    address,
    stateOf(picture),
    rate(sum("perSecond")),
    failing(sum("failedPerSecond")),
    `${connections}`,
    `${(Number(residentMemory) / 2 ** 20).toFixed(0)} MiB`,
    loopDelay === undefined ? "" : time(msOf(loopDelay)),
  ];
}

function stateOf({ servers }: WatchResponse): Cell {
  if (servers.some(({ state }) => state === State.STATE_DRAINING)) return { text: "draining", style: "yellow" };
  if (servers.some(({ state }) => state === State.STATE_SERVING)) return { text: "serving", style: "green" };
  return "idle";
}

/** What is wrong, as lines that say where. */
function trouble(fleet: Fleet): string[] {
  const registry = fleet.problem === undefined ? [] : [`the registry does not answer: ${fleet.problem}`];
  return [...registry, ...fleet.instances().flatMap(troubleOf)];
}

function troubleOf({ address, picture, problem }: Instance): string[] {
  if (problem !== undefined) return [`${address}: ${problem}`];
  const lost = (picture?.servers ?? []).flatMap(({ registrations }) =>
    registrations
      .filter(({ state }) => state !== Held.STATE_HELD)
      .map(({ services, reason }) => `${address} is not in the registry for ${services.join(", ")}: ${reason}`),
  );
  const called = (picture?.channels ?? []).flatMap(({ services }) =>
    services.flatMap(({ name, registryState, registryReason, panic, peers }) => [
      ...(registryState === "stale" ? [`${address} hears nothing new of ${name}: ${registryReason}`] : []),
      ...(panic ? [`${address} calls all servers of ${name}, since most circuits are open`] : []),
      ...peers
        .filter(({ circuit, state }) => circuit === Circuit.CIRCUIT_OPEN || state === "failed" || state === "silent")
        .map(({ address: peer, state, reason }) => `${address} does not call ${peer} for ${name}: ${reason || state}`),
    ]),
  );
  return [...lost, ...called];
}

type Cell = Line[number];
type Row = readonly Cell[];

/** The first column to the left, the others to the right; nothing where there is no row. */
function table(heads: readonly string[], rows: readonly Row[]): Line[] {
  if (rows.length === 0) return [];
  const header: Row = heads.map((text) => ({ text, style: "dim" as const }));
  const all = [header, ...rows];
  const widths = heads.map((_, at) => Math.max(...all.map((row) => textOf(row[at]).length)));
  return all.map((row) =>
    row.map((cell, at) => {
      const width = (widths[at] as number) + (at === 0 ? 0 : 3);
      const text = at === 0 ? textOf(cell).padEnd(width) : textOf(cell).padStart(width);
      return typeof cell === "string" ? text : { ...cell, text };
    }),
  );
}

function more(count: number): Line[] {
  return count > 0 ? [[{ text: `and ${count} more`, style: "dim" }]] : [];
}

function textOf(cell: Cell | undefined): string {
  return typeof cell === "string" ? cell : (cell?.text ?? "");
}

function failing(perSecond: number): Cell {
  return perSecond === 0 ? "0" : { text: rate(perSecond), style: "red" };
}

function rate(perSecond: number): string {
  return perSecond >= 100 ? Math.round(perSecond).toLocaleString("en") : String(Number(perSecond.toFixed(1)));
}

function timeOf(traffic: Traffic | undefined, at: "p50" | "p99"): number {
  const duration = traffic?.[at];
  return duration === undefined ? 0 : msOf(duration);
}

function time(ms: number): string {
  return ms >= 1_000 ? `${(ms / 1_000).toFixed(1)} s` : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

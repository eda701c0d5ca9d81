import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import { ticks } from "../admin/ticks.ts";
import { toJson } from "../json/message-json.ts";
import { adminFlags, credentialsOf } from "./admin-flags.ts";
import { type Command, command } from "./command.ts";
import { type Fleet, watchFleet } from "./fleet.ts";
import { plain } from "./screen.ts";
import { openServers } from "./target.ts";
import { topTables } from "./top-tables.ts";
import { UsageError } from "./usage-error.ts";

const everyMs = 1_000;
/** How long one that says nothing is waited for. */
const patienceMs = 3_000;

/** `trunkline top` */
export const top: Command = command({
  name: "top",
  usage: "[flags]",
  description:
    "Shows the processes that serve trunkline.admin.v1.Admin: what is wrong, calls a second, how long they take.",
  flags: {
    ...adminFlags,
    once: { type: "boolean", summary: "Print it once and end, as it does anyway where the output is no terminal." },
    json: { type: "boolean", summary: "Print a line of JSON for each process, again and again without --once." },
  },
  examples: ["trunkline top --registry etcd://127.0.0.1:2379", "trunkline top --address 127.0.0.1:50051 --once"],
  async run({ values, positionals, terminal, signal }) {
    if (positionals.length > 0) throw new UsageError("trunkline top takes flags only: --address or --registry");
    const metadata = credentialsOf(values, terminal);
    const { registry, tls } = await openServers(values, terminal);
    const fleet = watchFleet({ registry, tls, metadata, everyMs });
    try {
      if (!(await first(fleet, signal))) return 130;
      if (fleet.instances().length === 0) throw nobody(fleet.problem);
      const { screen } = terminal;
      const show = values.json
        ? () => terminal.print(...fleet.instances().map(jsonOf))
        : screen === undefined || values.once
          ? () => terminal.print(...topTables(fleet).map((line) => plain(line).trimEnd()))
          : async () => screen.draw(topTables(fleet, screen.rows));
      await show();
      if (values.once || (screen === undefined && !values.json)) return fleet.instances().some(isHeard) ? 0 : 1;
      for await (const _ of ticks(everyMs, signal)) await show();
      return 0;
    } finally {
      await fleet.close();
      await registry.close();
    }
  },
});

/** Whether it is known how things stand, or nobody has said for long enough; false where the user waits no longer. */
async function first(fleet: Fleet, signal: AbortSignal): Promise<boolean> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, patienceMs);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([fleet.known(), over]);
  clearTimeout(timer);
  return !signal.aborted;
}

function nobody(problem: string | undefined): Error {
  if (problem !== undefined) return new Error(`the registry does not answer for ${Admin.name}: ${problem}`);
  return new Error(`no process in the registry serves ${Admin.name}: give it serveAdmin(server), of trunkline/admin`);
}

type Instance = ReturnType<Fleet["instances"]>[number];

const isHeard = ({ picture, problem }: Instance): boolean => picture !== undefined && problem === undefined;

function jsonOf({ address, picture, problem }: Instance): string {
  const shown = picture && toJson(Admin.methods.watch.response, picture);
  return JSON.stringify({ address, problem, ...(shown as object | undefined) });
}

import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import type { ExplainedCall } from "../../gen/trunkline/admin/v1/admin.ts";
import { msOf } from "../admin/times.ts";
import { createChannel } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import { shownUri } from "../core/shown-uri.ts";
import { adminFlags, credentialsOf } from "./admin-flags.ts";
import { type Command, command } from "./command.ts";
import { errorLine } from "./error-line.ts";
import { patienceMs, snapshotNow } from "./registry-view.ts";
import { serverAt } from "./server-at.ts";
import { openServers } from "./target.ts";
import { timeoutFlag, timeoutOf } from "./timeout-flag.ts";
import { UsageError } from "./usage-error.ts";

const defaultLimit = 20;
/** More are not asked. */
const mostInstances = 500;

interface Found extends ExplainedCall {
  readonly address: string;
}

/** `trunkline why` */
export const why: Command = command({
  name: "why",
  usage: "[id] [flags]",
  description:
    "Explains calls that failed or were slow: that of an id, of a call or of its trace, or lists the latest. It asks the processes that serve trunkline.admin.v1.Admin.",
  flags: {
    ...adminFlags,
    method: { type: "string", value: "NAME", summary: "Only calls of this method, or of this service." },
    limit: { type: "string", value: "N", summary: `The most calls to list; ${defaultLimit} by default.` },
    json: { type: "boolean", summary: "Print the record of each call as a line of JSON." },
    timeout: timeoutFlag(`Milliseconds to wait for each answer; ${patienceMs} by default, 0 without end.`),
  },
  examples: [
    "trunkline why --registry etcd://127.0.0.1:2379",
    "trunkline why 4be1c90f3a5d7e21 --address 127.0.0.1:50051",
  ],
  async run({ values, positionals, terminal, signal }) {
    const [id = "", ...more] = positionals;
    if (more.length > 0) throw new UsageError(`trunkline why takes one id; what is "${shownUri(more[0] ?? "")}" for?`);
    const limit = limitOf(values.limit);
    const metadata = credentialsOf(values, terminal);
    const timeoutMs = timeoutOf(values.timeout) ?? patienceMs;
    const { registry, tls } = await openServers(values, terminal);
    try {
      const { endpoints } = await snapshotNow(registry, Admin.name, { signal, timeoutMs });
      if (endpoints.length === 0) throw new Error(`no process in the registry serves ${Admin.name}`);
      const request = { id, method: values.method ?? "", limit };
      const ask = async (address: string): Promise<Found[]> => {
        const channel = createChannel({ registry: serverAt(address, registry), tls });
        try {
          const { calls } = await createClient(Admin, channel).listCalls(request, { metadata, signal, timeoutMs });
          return calls.map((call) => ({ ...call, address }));
        } finally {
          await channel.close(0);
        }
      };
      const asked = endpoints.slice(0, mostInstances).map(({ address }) => address);
      const answers = await Promise.allSettled(asked.map(ask));
      for (const [at, answer] of answers.entries()) {
        if (answer.status === "rejected") terminal.note(`${asked[at]}: ${errorLine(answer.reason)}`);
      }
      const found = answers
        .flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
        .sort((a, b) => endedMs(b) - endedMs(a))
        .slice(0, limit);
      const show = values.json ? (call: Found) => [call.record] : id === "" ? listed : explained;
      await terminal.print(...found.flatMap(show));
      if (found.length > 0) return 0;
      terminal.note(id === "" ? "no call has failed lately" : `no process remembers a call or a trace ${shownUri(id)}`);
      return id === "" && answers.some(({ status }) => status === "fulfilled") ? 0 : 1;
    } catch (error) {
      if (signal.aborted) return 130;
      throw error;
    } finally {
      await registry.close();
    }
  },
});

function limitOf(given: string | undefined): number {
  if (given === undefined) return defaultLimit;
  if (!/^[1-9]\d{0,8}$/.test(given)) throw new UsageError(`--limit ${shownUri(given)}: give a number from 1`);
  return Number(given);
}

function endedMs({ endedAt }: ExplainedCall): number {
  return endedAt === undefined ? 0 : msOf(endedAt);
}

/** One line: where, what, and the id to ask with. */
function listed(call: Found): string[] {
  const { address, side, method, code, message, id } = call;
  const time = new Date(endedMs(call)).toISOString();
  const took = call.took === undefined ? "" : `${msOf(call.took).toFixed(1)} ms`;
  return [`${time}  ${address} (${side})  ${method.slice(1)}  ${code} in ${took}  ${id}  ${message}`.trimEnd()];
}

function explained({ address, side, explanation }: Found): string[] {
  return [`${address} (${side}):`, ...explanation.split("\n").map((line) => `  ${line}`), ""];
}

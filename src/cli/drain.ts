import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import { createChannel } from "../client/channel.ts";
import { createClient } from "../client/client.ts";
import { shownUri } from "../core/shown-uri.ts";
import { adminFlags, credentialsOf } from "./admin-flags.ts";
import { type Command, command } from "./command.ts";
import { checkedAddress, openServers } from "./target.ts";
import { timeoutFlag, timeoutOf } from "./timeout-flag.ts";
import { UsageError } from "./usage-error.ts";

const { address: _address, registry: _registry, ...flags } = adminFlags;
const answerTimeoutMs = 10_000;

/** `trunkline drain` */
export const drain: Command = command({
  name: "drain",
  usage: "<HOST:PORT> [flags]",
  description:
    "Asks the process behind an address to take its servers out of service: they leave the registry, send their clients elsewhere, finish what is in flight, and close. The process itself goes on.",
  flags: {
    ...flags,
    timeout: timeoutFlag(`Milliseconds to wait for its answer; ${answerTimeoutMs} by default, 0 without end.`),
  },
  examples: ["trunkline drain 10.0.0.5:50051"],
  async run({ values, positionals, terminal, signal }) {
    const [address, ...more] = positionals;
    if (address === undefined) throw new UsageError("which server? trunkline drain HOST:PORT");
    if (more.length > 0)
      throw new UsageError(`trunkline drain takes one server; what is "${shownUri(more[0] ?? "")}" for?`);
    const metadata = credentialsOf(values, terminal);
    const { tls } = await openServers({ ...values, address }, terminal);
    const channel = createChannel({ endpoints: [checkedAddress(address)], tls });
    try {
      const timeoutMs = timeoutOf(values.timeout) ?? answerTimeoutMs;
      const { addresses } = await createClient(Admin, channel).drain({}, { metadata, signal, timeoutMs });
      await terminal.print(...addresses.map((each) => `${each} drains: it is taken out of the registry, then closes`));
      return 0;
    } catch (error) {
      if (signal.aborted) return 130;
      throw error;
    } finally {
      await channel.close();
    }
  },
});

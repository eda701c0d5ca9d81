import { type Channel, createChannel, createClient, createServer, memoryRegistry, type Server } from "trunkline";
import { type AdminOptions, serveAdmin } from "trunkline/admin";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Admin } from "../../gen/trunkline/admin/v1/admin.rpc.ts";
import type { WatchResponse } from "../../gen/trunkline/admin/v1/admin.ts";
import type { Client } from "../../src/client/client.ts";
import type { Implementation } from "../../src/server/implementation.ts";
import { greetings } from "../support/greeter.ts";

export interface World extends AsyncDisposable {
  readonly server: Server;
  readonly address: string;
  readonly channel: Channel;
  readonly greeter: Client<typeof Greeter>;
  readonly admin: Client<typeof Admin>;
  /** The first picture of a new watch that fits. */
  until(fits: (picture: WatchResponse) => boolean): Promise<WatchResponse>;
}

/** A server that is also its own client, as its admin service shows both. */
export async function adminWorld(
  implementation: Partial<Implementation<typeof Greeter>> = {},
  options: Omit<AdminOptions, "channels"> = {},
  credentials: Record<string, string> = {},
): Promise<World> {
  const registry = memoryRegistry();
  const server = createServer({ registry });
  const channel = createChannel({ registry, policy: { retry: false } });
  serveAdmin(server, { ...options, channels: { greeters: channel } });
  server.add(Greeter, { ...greetings, ...implementation } as Implementation<typeof Greeter>);
  const address = await server.listen("127.0.0.1:0");
  const toAdmin = createChannel({
    endpoints: [address],
    attemptInterceptors: [(next) => (call) => next(call.with({ metadata: call.metadata.append(credentials) }))],
  });
  const admin = createClient(Admin, toAdmin);
  return {
    server,
    address,
    channel,
    greeter: createClient(Greeter, channel),
    admin,
    async until(fits) {
      for await (const picture of admin.watch({ every: { seconds: 0n, nanos: 1e8 } })) {
        if (fits(picture)) return picture;
      }
      throw new Error("the watch ended before");
    },
    async [Symbol.asyncDispose]() {
      await channel.close(0);
      await toAdmin.close(0);
      await server.close({ timeoutMs: 0, quietMs: 0 });
    },
  };
}

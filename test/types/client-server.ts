// Checked by `tsc`, never run: each line under `@ts-expect-error` must not compile, everything else must.
import { on } from "node:events";
import {
  type CallOptions,
  type Client,
  createChannel,
  createClient,
  createServer,
  type Implementation,
  type Interceptor,
} from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";

const channel = createChannel({ endpoints: ["127.0.0.1:50051"] });
const greeter = createClient(Greeter, channel);
const probe = createClient(Probe, channel);
const server = createServer();

async function* payloads() {
  yield { text: "one" };
}

export async function calls(): Promise<void> {
  const { message } = await greeter.sayHello({ name: "you" }, { timeoutMs: 500, retry: { maxAttempts: 2 } });
  message satisfies string;
  await greeter.sayHello({}, { hedge: { delayMs: 5 } });
  for await (const { data } of probe.expand({ count: 3 })) data satisfies Uint8Array;
  const { bytes } = await probe.collect([{ text: "one" }, { data: new Uint8Array() }]);
  bytes satisfies bigint;
  for await (const each of probe.converse(payloads())) each.text satisfies string;

  // @ts-expect-error a misspelt field
  await greeter.sayHello({ nmae: "you" });
  // @ts-expect-error a field of another type
  await greeter.sayHello({ name: 5 });
  // @ts-expect-error a method that the service does not have
  await greeter.sayGoodbye({ name: "you" });
  // @ts-expect-error a misspelt field of the reply
  (await greeter.sayHello({ name: "you" })).mesage;
  // @ts-expect-error a stream where one message belongs
  await probe.echo(payloads());
  // @ts-expect-error one message where a stream belongs
  await probe.collect({ text: "one" });
  // @ts-expect-error the reply of a unary method is no stream
  for await (const _ of greeter.sayHello({ name: "you" }));
  // @ts-expect-error a stream of messages of another type
  await probe.collect([{ name: "one" }]);
  // @ts-expect-error retry on a method that is not declared idempotent
  await greeter.sayHelloAgain({ name: "you" }, { retry: { maxAttempts: 2 } });
  // @ts-expect-error hedging on a method that is not declared idempotent
  await greeter.sayHelloAgain({ name: "you" }, { hedge: { delayMs: 5 } });
  // @ts-expect-error a misspelt option
  await greeter.sayHello({ name: "you" }, { timeoutMS: 500 });
  // @ts-expect-error metadata that is neither text nor bytes
  await greeter.sayHello({ name: "you" }, { metadata: { trace: 5 } });
}

const passes: Interceptor = (next) => next;
createClient(Greeter, channel, { interceptors: [passes], methodInterceptors: { sayHello: [passes] } });
// @ts-expect-error an interceptor of a method that the service does not have
createClient(Greeter, channel, { methodInterceptors: { sayGoodbye: [passes] } });
// @ts-expect-error one interceptor where a list belongs
createClient(Greeter, channel, { interceptors: passes });

export const unsafe: CallOptions = { timeoutMs: 5, retry: false };

server.add(Greeter, {
  sayHello: ({ name }, { metadata, signal, deadline, peer }) => ({
    message: `${name} ${metadata.get("x")} ${signal.aborted} ${deadline} ${peer.address}`,
  }),
  sayHelloAgain: async () => ({}),
  async *chat(hellos) {
    for await (const { name } of hellos) yield { message: name };
  },
});

const rest = { sayHelloAgain: () => ({}), async *chat() {} };

const given: Implementation<typeof Greeter> = { ...rest, sayHello: ({ name }) => ({ message: name }) };
const same: Implementation<typeof Greeter.methods> = given;
server.add(Greeter, given).add(Greeter, same);
declare const rows: any;
server.add(Greeter, {
  sayHello: async () => JSON.parse("{}"),
  sayHelloAgain: () => rows,
  async *chat(_hellos, { signal }) {
    for await (const [row] of on(rows, "row", { signal })) yield row;
  },
});
export const client: Client<typeof Greeter> = greeter;
export const clientOfMethods: Client<typeof Greeter.methods> = client;

/** What an implementation keeps for itself may be anything but a public function. */
class Counting implements Implementation<typeof Greeter> {
  readonly sayHello = () => ({ message: `${this.#next()}` });
  readonly sayHelloAgain = async () => ({});
  readonly limit = 5;
  #calls = 0;
  #next(): number {
    return this.#calls++;
  }
  async *chat() {}
}
server.add(Greeter, new Counting());

server.add(Greeter, {
  ...given,
  // @ts-expect-error a method that the service does not have
  sayGoodbye: () => ({}),
});
// @ts-expect-error a missing method
export const lacking: Implementation<typeof Greeter> = { sayHello: () => ({}) };
// @ts-expect-error a missing method
server.add(Greeter, { sayHello: () => ({}) });
server.add(Greeter, {
  ...rest,
  // @ts-expect-error a misspelt field of the reply
  sayHello: () => ({ mesage: "Hello" }),
});
server.add(Greeter, {
  ...rest,
  // @ts-expect-error a field that the reply does not have, beside one that it has
  sayHello: async () => ({ message: "Hello", to: "you" }),
});
server.add(Greeter, {
  ...rest,
  // @ts-expect-error a reply of another type
  sayHello: () => ({ message: 5 }),
});
server.add(Greeter, {
  ...rest,
  // @ts-expect-error a stream where one reply belongs
  async *sayHello() {
    yield { message: "Hello" };
  },
});
server.add(Greeter, {
  ...rest,
  // @ts-expect-error a misspelt field of the request
  sayHello: ({ nmae }) => ({ message: `${nmae}` }),
});
server.add(Probe, {
  echo: (payload) => payload,
  // @ts-expect-error one reply where a stream belongs
  expand: () => ({ text: "one" }),
  collect: async (payloads) => {
    for await (const { text } of payloads) text satisfies string;
    return { count: 1, bytes: 1n };
  },
  converse: (payloads) => payloads,
});

// @ts-expect-error neither a registry nor endpoints
createChannel({});
// @ts-expect-error both a registry and endpoints
createChannel({ registry: { resolve: () => () => {} }, endpoints: ["127.0.0.1:50051"] });

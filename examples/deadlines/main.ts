// What is left of a deadline travels with the call, through every server on its way. So does a cancellation.
import { setTimeout as sleep } from "node:timers/promises";
import { createChannel, createClient, createServer, RpcError } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

const slow = createServer();
slow.add(Greeter, {
  async sayHello({ name }, { signal, remainingMs }) {
    console.log(`the second server has ${remainingMs > 0 && remainingMs <= 300 ? "what is left" : remainingMs}`);
    await sleep(60_000, undefined, { signal }).catch(() => console.log("the second server stops its work"));
    return { message: `Hello ${name}` };
  },
  sayHelloAgain: () => ({}),
  async *chat() {},
});
const behind = createChannel({ endpoints: [await slow.listen("127.0.0.1:0")] });
const next = createClient(Greeter, behind);

const front = createServer();
front.add(Greeter, {
  sayHello: (request) => next.sayHello(request), // Nothing is passed on by hand.
  sayHelloAgain: () => ({}),
  async *chat() {},
});
const channel = createChannel({ endpoints: [await front.listen("127.0.0.1:0")] });
const greeter = createClient(Greeter, channel);

const report = (error: unknown) => console.log(RpcError.from(error).codeName);
await greeter.sayHello({ name: "you" }, { timeoutMs: 300 }).catch(report);

const leaving = new AbortController();
setTimeout(() => leaving.abort(), 100);
await greeter.sayHello({ name: "you" }, { timeoutMs: 300, signal: leaving.signal }).catch(report);

await Promise.all([channel.close(), behind.close(), front.close(), slow.close()]);

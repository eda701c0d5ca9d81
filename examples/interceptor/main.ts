// One type of interceptor on both sides: the client signs its calls, the server asks who is there.
import {
  Code,
  createChannel,
  createClient,
  createServer,
  type Interceptor,
  RpcError,
  valueKey,
  watched,
} from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

const user = valueKey<string>("user");
const tokens: Readonly<Record<string, string>> = { "Bearer 42": "Ada" };

const signed: Interceptor = (next) => (call) =>
  next(call.with({ metadata: call.metadata.with("authorization", "Bearer 42") }));

const known: Interceptor = (next) => async (call) => {
  const name = tokens[call.metadata.get("authorization") ?? ""];
  if (name === undefined) throw new RpcError(Code.UNAUTHENTICATED, "send a token in the metadata authorization");
  return next(call.set(user, name));
};

const timed: Interceptor = (next) => (call) => {
  const start = performance.now();
  // Told when the call is over; of a stream, when that has ended.
  return watched(next, call, (error) => {
    const time = performance.now() - start < 1_000 ? "less than a second" : "a second or more";
    console.log(`${call.method.path} took ${time}: ${error?.codeName ?? "OK"}`);
  });
};

await using server = createServer({ interceptors: [known] });
server.add(Greeter, {
  sayHello: ({ name }, context) => ({ message: `Hello ${name}, says ${context.get(user)}` }),
  sayHelloAgain: ({ name }) => ({ message: `Hello again, ${name}` }),
  async *chat() {},
});
const endpoints = [await server.listen("127.0.0.1:0")];

await using stranger = createChannel({ endpoints });
await createClient(Greeter, stranger)
  .sayHello({ name: "you" })
  .catch((error: RpcError) => console.log(error.codeName, error.message));

await using channel = createChannel({ endpoints, interceptors: [timed, signed] });
console.log((await createClient(Greeter, channel).sayHello({ name: "you" })).message);

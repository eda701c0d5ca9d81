import { createChannel, createClient, createServer } from "trunkline";
import { etcdPolicies } from "trunkline/etcd";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greetings } from "../support/greeter.ts";

// Nothing here is closed but the server: what is left must not keep the process.
const [url = "", client] = process.argv.slice(2);
const policies = etcdPolicies(url, { client: client as "native" });
const known = new Promise<void>((resolve) => policies.watch(({ state }) => state === "current" && resolve()));
const server = createServer({ policies });
const address = await server.add(Greeter, greetings).listen("127.0.0.1:0");
const greeter = createClient(Greeter, createChannel({ endpoints: [address], policies }));
const held = setInterval(() => {}, 1_000);
await known;
clearInterval(held);
console.log((await greeter.sayHello({ name: "you" })).message);
await server.close();

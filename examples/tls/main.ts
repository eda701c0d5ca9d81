// Mutual TLS: each side shows a certificate, and the server greets the client by the name on its own.
import { readFileSync } from "node:fs";
import { createChannel, createClient, createServer } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

// Made for this example alone: everybody has these keys.
const pem = (name: string) => readFileSync(new URL(`./certs/${name}`, import.meta.url));
const ca = pem("ca.pem");

// With `ca`, a server accepts only clients whose certificate is signed by it. Without, TLS alone.
await using server = createServer({ tls: { cert: pem("server.pem"), key: pem("server.key"), ca } });
server.add(Greeter, {
  sayHello({ name }, { peer }) {
    console.log(peer.tls?.alternativeNames.join().replace("DNS:", ""));
    return { message: `Hello ${name}` };
  },
  sayHelloAgain: ({ name }) => ({ message: `Hello again, ${name}` }),
  async *chat() {},
});
const address = await server.listen("127.0.0.1:0");

await using channel = createChannel({
  endpoints: [address],
  tls: { ca, cert: pem("client.pem"), key: pem("client.key") },
});
console.log((await createClient(Greeter, channel).sayHello({ name: "you" })).message);

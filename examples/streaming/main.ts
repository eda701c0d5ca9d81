// A server and a client in one process, talking in both directions at once.
import { createChannel, createClient, createServer } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";

await using server = createServer();
server.add(Greeter, {
  sayHello: ({ name }) => ({ message: `Hello ${name}` }),
  sayHelloAgain: ({ name }) => ({ message: `Hello again, ${name}` }),
  // A stream is an AsyncIterable in either direction. The next name is read when the client has taken the last reply.
  async *chat(hellos) {
    for await (const { name } of hellos) yield { message: `Hello ${name}` };
  },
});
const address = await server.listen("127.0.0.1:0");

await using channel = createChannel({ endpoints: [address] });
const greeter = createClient(Greeter, channel);

async function* names() {
  for (const name of ["Ada", "Grace", "Barbara", "Radia"]) yield { name };
}

for await (const { message } of greeter.chat(names())) {
  console.log(message);
  if (message === "Hello Barbara") break; // Leaving the loop cancels the call; Radia is never greeted.
}

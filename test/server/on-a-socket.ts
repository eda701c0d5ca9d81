// Listens on the Unix socket that it is told, until it is killed.
import { createServer } from "trunkline";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { greetings } from "../support/greeter.ts";

await createServer().add(Greeter, greetings).listen(`unix:${process.argv[2]}`);
console.log("listening");

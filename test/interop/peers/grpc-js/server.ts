// The greeter by grpc-js alone.
import grpc from "@grpc/grpc-js";
import type { HelloReply, HelloRequest } from "../../../../gen/greeter/v1/greeter.ts";
import { definition, nameless } from "./greeter.ts";

const server = new grpc.Server();
server.addService(definition, {
  sayHello(call: grpc.ServerUnaryCall<HelloRequest, HelloReply>, done: grpc.sendUnaryData<HelloReply>) {
    const { name } = call.request;
    const header = new grpc.Metadata();
    const trailer = new grpc.Metadata();
    for (const text of call.metadata.get("x-echo")) header.add("x-echo", text);
    for (const bytes of call.metadata.get("x-echo-bin")) trailer.add("x-echo-bin", bytes);
    call.sendMetadata(header);
    if (name === "slow") return;
    if (name === "") done(nameless());
    else done(null, { message: `Hello ${name}` }, trailer);
  },
  sayHelloAgain(call: grpc.ServerUnaryCall<HelloRequest, HelloReply>, done: grpc.sendUnaryData<HelloReply>) {
    done(null, { message: `Hello again, ${call.request.name}` });
  },
  chat(call: grpc.ServerDuplexStream<HelloRequest, HelloReply>) {
    call.on("data", ({ name }: HelloRequest) => call.write({ message: `Hello ${name}` }));
    call.on("end", () => call.end());
  },
});
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  console.log(`listening on 127.0.0.1:${port}`);
});
process.once("SIGTERM", () => server.forceShutdown());

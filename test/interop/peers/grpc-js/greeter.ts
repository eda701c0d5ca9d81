// The greeter as grpc-js, and nothing of Trunkline, describes it; the messages are ts-proto's.
import grpc from "@grpc/grpc-js";
import { BadRequest } from "../../../../gen/google/rpc/error_details.ts";
import { Status } from "../../../../gen/google/rpc/status.ts";
import { HelloReply, HelloRequest } from "../../../../gen/greeter/v1/greeter.ts";

const method = (name: string, stream: boolean) => ({
  path: `/greeter.v1.Greeter/${name}`,
  requestStream: stream,
  responseStream: stream,
  requestSerialize: (message: HelloRequest) => Buffer.from(HelloRequest.encode(message).finish()),
  requestDeserialize: (bytes: Buffer) => HelloRequest.decode(bytes),
  responseSerialize: (message: HelloReply) => Buffer.from(HelloReply.encode(message).finish()),
  responseDeserialize: (bytes: Buffer) => HelloReply.decode(bytes),
});

export const definition = {
  sayHello: method("SayHello", false),
  sayHelloAgain: method("SayHelloAgain", false),
  chat: method("Chat", true),
} satisfies grpc.ServiceDefinition;

const anyOf = "type.googleapis.com/google.rpc.BadRequest";

/** An error as grpc-js sends it, with rich details as gRPC encodes them. */
export function nameless(): Partial<grpc.StatusObject> {
  const value = BadRequest.encode(
    BadRequest.fromPartial({ fieldViolations: [{ field: "name", description: "it is empty" }] }),
  ).finish();
  const code = grpc.status.INVALID_ARGUMENT;
  const status = Status.encode({ code, message: "give a name", details: [{ typeUrl: anyOf, value }] }).finish();
  const metadata = new grpc.Metadata();
  metadata.set("grpc-status-details-bin", Buffer.from(status));
  return { code, details: "give a name", metadata };
}

/** The field that the rich details of an error name. */
export function refusedField(error: grpc.ServiceError): string | undefined {
  const bytes = error.metadata.get("grpc-status-details-bin")[0] as Buffer;
  const detail = Status.decode(bytes).details.find(({ typeUrl }) => typeUrl === anyOf);
  return BadRequest.decode(detail?.value ?? new Uint8Array()).fieldViolations[0]?.field;
}

import { type DescMessage, type DescMethod, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import type { MessageType } from "../core/message.ts";
import { defineService, type Method } from "../core/method.ts";
import type { Idempotency } from "../core/policy.ts";

/** A method as if it had been generated; its messages are `@bufbuild/protobuf`'s. */
export function dynamicMethod(method: DescMethod): Method<Message, Message> {
  const { methodKind: kind, name } = method;
  const both = kind === "bidi_streaming";
  const service = defineService<{ readonly call: Method<Message, Message> }>(method.parent.typeName, {
    call: {
      kind,
      name,
      request: dynamicType(method.input),
      response: dynamicType(method.output),
      requestStream: both || kind === "client_streaming",
      responseStream: both || kind === "server_streaming",
      idempotency: MethodOptions_IdempotencyLevel[method.idempotency] as Idempotency,
      deprecated: method.deprecated,
      policy: undefined,
      auth: undefined,
    },
  });
  return service.methods.call;
}

function dynamicType(schema: DescMessage): MessageType<Message> {
  return {
    $type: schema.typeName,
    encode: (message) => ({ finish: () => toBinary(schema, message) }),
    decode: (input) => fromBinary(schema, input),
    fromPartial: (message) => message,
  };
}

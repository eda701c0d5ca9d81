import { createServer, type Server } from "trunkline";
import type { MessageType } from "../../src/core/message.ts";
import { defineService, unary } from "../../src/core/method.ts";

/** A message that is not looked into: what was sent is sent back, byte by byte. */
export interface Opaque {
  readonly bytes: Uint8Array;
}

export function opaque(name: string): MessageType<Opaque> {
  return {
    $type: name,
    encode: ({ bytes }) => ({ finish: () => bytes }),
    decode: (bytes) => ({ bytes: new Uint8Array(bytes) }),
    fromPartial: (message) => message,
  };
}

const Sink = opaque("kitchen.v1.Sink");
const Empty = opaque("google.protobuf.Empty");
const Question = opaque("Question");

/** The services of `protos/`, which answer with what they were sent. They have no descriptor, and so no reflection. */
export async function startKitchen(): Promise<Server & { readonly address: string }> {
  const server = createServer({ reflection: false });
  server.add(
    defineService("kitchen.v1.Kitchen", { echo: unary("Echo", Sink, Sink), nothing: unary("Nothing", Empty, Empty) }),
    { echo: (sink: Opaque) => sink, nothing: (empty: Opaque) => empty },
  );
  server.add(defineService("Plain", { ask: unary("Ask", Question, Question) }), {
    ask: (question: Opaque) => question,
  });
  await server.listen("127.0.0.1:0");
  return server as Server & { readonly address: string };
}

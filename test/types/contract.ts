// What a contract is, in types. tsc checks it: a line under @ts-expect-error that compiles is an error itself.
import {
  type BidiStreaming,
  bidiStreaming,
  type ClientStreaming,
  clientStreaming,
  defineService,
  type FileDescriptor,
  type MessageInit,
  type MessageType,
  type ServerStreaming,
  type Service,
  serverStreaming,
  type Unary,
  unary,
} from "trunkline/contract";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { HelloReply, HelloRequest } from "../../gen/greeter/v1/greeter.ts";
import { Payload } from "../../gen/probe/v1/probe.ts";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_is: Same<A, B>): void {}

// A generated service says which message goes where, and what may be sent twice.
same<typeof Greeter.methods.sayHello, Unary<HelloRequest, HelloReply, "NO_SIDE_EFFECTS">>(true);
same<typeof Greeter.methods.sayHelloAgain, Unary<HelloRequest, HelloReply>>(true);
same<typeof Greeter.methods.chat, BidiStreaming<HelloRequest, HelloReply>>(true);
same<typeof Greeter.methods.sayHello.kind, "unary">(true);
same<typeof Greeter.methods.chat.idempotency, "IDEMPOTENCY_UNKNOWN">(true);
same<keyof typeof Greeter.methods, "sayHello" | "sayHelloAgain" | "chat">(true);

// @ts-expect-error there is no such method
Greeter.methods.sayGoodbye;

// @ts-expect-error a contract is not changed
Greeter.methods.sayHello = undefined as never;

// @ts-expect-error a contract is not changed
Greeter.name = "other";

// A service by hand takes its types from its messages.
const inferred = defineService("hand.v1.Hand", {
  one: unary("One", HelloRequest, HelloReply),
  split: serverStreaming("Split", HelloRequest, Payload, { idempotency: "IDEMPOTENT" }),
  join: clientStreaming("Join", Payload, HelloReply, { deprecated: true }),
  talk: bidiStreaming("Talk", Payload, Payload, { policy: { timeoutMs: 5, retry: false } }),
});
same<typeof inferred.methods.one.kind, "unary">(true);
same<typeof inferred.methods.split.idempotency, "IDEMPOTENT">(true);
same<typeof inferred.methods.join.kind, "client_streaming">(true);
same<typeof inferred.methods.talk.kind, "bidi_streaming">(true);

/** What the methods of a service by hand are declared as. */
type Declared = Service<{ do: Unary<HelloRequest, HelloReply, "IDEMPOTENT"> }>;

export const right: Declared = defineService("hand.v1.Hand", {
  do: unary("Do", HelloRequest, HelloReply, { idempotency: "IDEMPOTENT" }),
});

// @ts-expect-error another request
export const wrongRequest: Declared = defineService("hand.v1.Hand", {
  do: unary("Do", Payload, HelloReply, { idempotency: "IDEMPOTENT" }),
});

// @ts-expect-error another reply
export const wrongReply: Declared = defineService("hand.v1.Hand", {
  do: unary("Do", HelloRequest, Payload, { idempotency: "IDEMPOTENT" }),
});

// @ts-expect-error a stream where none belongs
export const wrongShape: Declared = defineService("hand.v1.Hand", {
  do: serverStreaming("Do", HelloRequest, HelloReply, { idempotency: "IDEMPOTENT" }),
});

// @ts-expect-error declared safe to send twice, but not as the type says
export const wrongIdempotency: Declared = defineService("hand.v1.Hand", {
  do: unary("Do", HelloRequest, HelloReply, { idempotency: "NO_SIDE_EFFECTS" }),
});

// @ts-expect-error a method is missing
export const missing: Declared = defineService("hand.v1.Hand", {});

// @ts-expect-error a service has a name
defineService({});

// @ts-expect-error a message is its codec, not its name
unary("Do", "hand.v1.Request", HelloReply);

// @ts-expect-error no such idempotency
unary("Do", HelloRequest, HelloReply, { idempotency: "SAFE" });

// @ts-expect-error no such option
unary("Do", HelloRequest, HelloReply, { timeoutMs: 5 });

// @ts-expect-error no such code
unary("Do", HelloRequest, HelloReply, { policy: { retry: { retryableCodes: ["BROKEN"] } } });

// @ts-expect-error a descriptor is whole
defineService("hand.v1.Hand", {}, { name: "hand.proto" });

// The kinds are told apart.
declare const split: ServerStreaming<HelloRequest, HelloReply>;
declare const join: ClientStreaming<HelloRequest, HelloReply>;
// @ts-expect-error another kind
export const asUnary: Unary<HelloRequest, HelloReply> = split;
// @ts-expect-error another kind
export const asBidi: BidiStreaming<HelloRequest, HelloReply> = join;

// Every service is a Service, every codec a MessageType.
export const services: readonly Service[] = [Greeter, inferred, right];
export const types: readonly MessageType<any>[] = [HelloRequest, HelloReply, Payload];
export const request: MessageType<HelloRequest> = HelloRequest;
// @ts-expect-error another message
export const reply: MessageType<Payload> = HelloReply;

// What is handed in may leave out fields, but not misspell them.
export const whole: MessageInit<Payload> = { text: "t", data: new Uint8Array() };
export const part: MessageInit<Payload> = {};
// @ts-expect-error no such field
export const misspelt: MessageInit<Payload> = { txt: "t" };
// @ts-expect-error another type
export const mistyped: MessageInit<Payload> = { text: 5 };

export const descriptor: FileDescriptor | undefined = Greeter.file;

// What generated code imports: `trunkline/contract`.
export type { FileDescriptor } from "./file-descriptor.ts";
export type { MessageInit, MessageType } from "./message.ts";
export type { BidiStreaming, ClientStreaming, ServerStreaming, Service, Unary } from "./method.ts";
export { bidiStreaming, clientStreaming, defineService, serverStreaming, unary } from "./method.ts";
export type { MethodAuth } from "./method-auth.ts";
export type { MethodPolicy } from "./policy.ts";

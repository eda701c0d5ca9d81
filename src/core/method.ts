import type { FileDescriptor } from "./file-descriptor.ts";
import type { MessageType } from "./message.ts";
import type { MethodAuth } from "./method-auth.ts";
import type { Idempotency, MethodPolicy } from "./policy.ts";
import { shownAs } from "./shown-as.ts";

export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/** What the `.proto` says of one method. */
export interface Method<I = any, O = any> {
  readonly kind: MethodKind;
  /** As in the `.proto`: `SayHello`. */
  readonly name: string;
  /** The service's full name: `greeter.v1.Greeter`. */
  readonly service: string;
  /** As on the wire: `/greeter.v1.Greeter/SayHello`. */
  readonly path: string;
  readonly request: MessageType<I>;
  readonly response: MessageType<O>;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly idempotency: Idempotency;
  readonly deprecated: boolean;
  /** The policy that the `.proto` declares, where it declares one. */
  readonly policy: MethodPolicy | undefined;
  /** Who may call it, where the `.proto` says so. */
  readonly auth: MethodAuth | undefined;
}

export interface Unary<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN"> extends Method<I, O> {
  readonly kind: "unary";
  readonly idempotency: X;
}
export interface ServerStreaming<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN"> extends Method<I, O> {
  readonly kind: "server_streaming";
  readonly idempotency: X;
}
export interface ClientStreaming<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN"> extends Method<I, O> {
  readonly kind: "client_streaming";
  readonly idempotency: X;
}
export interface BidiStreaming<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN"> extends Method<I, O> {
  readonly kind: "bidi_streaming";
  readonly idempotency: X;
}

export type Methods = Readonly<Record<string, Method>>;

/** A service of a `.proto`: what clients and servers are made from. */
export interface Service<M = Methods> {
  /** The full proto name: `greeter.v1.Greeter`. */
  readonly name: string;
  /** By their names in TypeScript: `sayHello`. */
  readonly methods: Readonly<M>;
  readonly file: FileDescriptor | undefined;
}

/** The methods of a service, given its type (`typeof Greeter`) or already its methods (`typeof Greeter.methods`). */
export type MethodsOf<S> = S extends Service<infer M> ? M : S;

export interface MethodOptions<X extends Idempotency = Idempotency> {
  readonly idempotency?: X;
  readonly deprecated?: boolean;
  readonly policy?: MethodPolicy;
  readonly auth?: MethodAuth;
}

type Unbound<M> = Omit<M, "service" | "path">;

function method(
  kind: MethodKind,
  name: string,
  request: MessageType<any>,
  response: MessageType<any>,
  options: MethodOptions = {},
) {
  return {
    kind,
    name,
    request,
    response,
    requestStream: kind === "client_streaming" || kind === "bidi_streaming",
    responseStream: kind === "server_streaming" || kind === "bidi_streaming",
    idempotency: options.idempotency ?? "IDEMPOTENCY_UNKNOWN",
    deprecated: options.deprecated ?? false,
    policy: options.policy,
    auth: options.auth,
  } satisfies Unbound<Method>;
}

export function unary<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN">(
  name: string,
  request: MessageType<I>,
  response: MessageType<O>,
  options?: MethodOptions<X>,
): Unbound<Unary<I, O, X>> {
  return method("unary", name, request, response, options) as Unbound<Unary<I, O, X>>;
}

export function serverStreaming<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN">(
  name: string,
  request: MessageType<I>,
  response: MessageType<O>,
  options?: MethodOptions<X>,
): Unbound<ServerStreaming<I, O, X>> {
  return method("server_streaming", name, request, response, options) as Unbound<ServerStreaming<I, O, X>>;
}

export function clientStreaming<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN">(
  name: string,
  request: MessageType<I>,
  response: MessageType<O>,
  options?: MethodOptions<X>,
): Unbound<ClientStreaming<I, O, X>> {
  return method("client_streaming", name, request, response, options) as Unbound<ClientStreaming<I, O, X>>;
}

export function bidiStreaming<I, O, X extends Idempotency = "IDEMPOTENCY_UNKNOWN">(
  name: string,
  request: MessageType<I>,
  response: MessageType<O>,
  options?: MethodOptions<X>,
): Unbound<BidiStreaming<I, O, X>> {
  return method("bidi_streaming", name, request, response, options) as Unbound<BidiStreaming<I, O, X>>;
}

/** Joins methods to a service. Generated code calls it; by hand it serves where there is no `.proto`. */
export function defineService<M>(
  name: string,
  methods: { readonly [K in keyof M]: Unbound<M[K]> },
  file?: FileDescriptor,
): Service<M> {
  const bound: Record<string, Method> = {};
  for (const [key, unbound] of Object.entries(methods as Record<string, Unbound<Method>>)) {
    const method: Method = { ...unbound, service: name, path: `/${name}/${unbound.name}` };
    bound[key] = Object.freeze(shownAs(method, "Method", ({ kind, path }) => ({ kind, path })));
  }
  const service: Service<M> = { name, methods: Object.freeze(bound) as Readonly<M>, file };
  return Object.freeze(shownAs(service, "Service", () => ({ name, methods: Object.keys(bound) })));
}

import type { MessageInit } from "../core/message.ts";
import type { BidiStreaming, ClientStreaming, ServerStreaming, Unary } from "../core/method.ts";
import type { HandlerContext } from "./handler-context.ts";

type Awaitable<T> = T | Promise<T>;

type MethodImplementation<M> =
  M extends Unary<infer I, infer O, infer _X>
    ? (request: I, context: HandlerContext) => Awaitable<MessageInit<O>>
    : M extends ServerStreaming<infer I, infer O, infer _X>
      ? (request: I, context: HandlerContext) => AsyncIterable<MessageInit<O>>
      : M extends ClientStreaming<infer I, infer O, infer _X>
        ? (requests: AsyncIterable<I>, context: HandlerContext) => Awaitable<MessageInit<O>>
        : M extends BidiStreaming<infer I, infer O, infer _X>
          ? (requests: AsyncIterable<I>, context: HandlerContext) => AsyncIterable<MessageInit<O>>
          : never;

/** What a server gives for a service: a function for each of its methods. `M` is the service's methods. */
export type Implementation<M> = { readonly [K in keyof M]: MethodImplementation<M[K]> };

type Scalar = string | number | boolean | bigint | symbol | null | undefined | Uint8Array | Date;

/** The names in `G` that `W` does not know, however deep. A `oneof` is left to plain assignability. */
type Surplus<G, W> = G extends Scalar
  ? never
  : G extends readonly (infer GE)[]
    ? W extends readonly (infer WE)[]
      ? Surplus<GE, WE>
      : never
    : W extends { $case: string }
      ? never
      : string extends keyof W
        ? never
        : { [K in keyof G]-?: K extends keyof W ? Surplus<NonNullable<G[K]>, NonNullable<W[K]>> : K }[keyof G];

type Answered<R> = Awaited<R> extends AsyncIterable<infer O> ? O : Awaited<R>;
type Wanted<M> = M extends { readonly response: { decode(input: Uint8Array): infer O } } ? O : never;

type MethodFits<M, F> = F extends (...args: never[]) => infer R
  ? [Surplus<Answered<R>, Wanted<M>>] extends [never]
    ? unknown
    : { readonly "not in the reply message": Surplus<Answered<R>, Wanted<M>> }
  : unknown;

/**
 * TypeScript does not look for unknown fields in what a function returns; this does, so that a misspelt field of a
 * reply does not compile.
 */
export type Fits<M, T> = { readonly [K in keyof M & keyof T]: MethodFits<M[K], T[K]> };

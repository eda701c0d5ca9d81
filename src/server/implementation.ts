import type { MessageInit } from "../core/message.ts";
import type { BidiStreaming, ClientStreaming, MethodsOf, ServerStreaming, Unary } from "../core/method.ts";
import type { HandlerContext } from "./handler-context.ts";

type Awaitable<T> = T | PromiseLike<T>;

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

/** What a server gives for a service, a function for each of its methods: `Implementation<typeof Greeter>`. */
export type Implementation<S> = { readonly [K in keyof MethodsOf<S>]: MethodImplementation<MethodsOf<S>[K]> };

type Scalar = string | number | boolean | bigint | symbol | null | undefined | Uint8Array | Date;

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** A message may hold itself, so that a look into it must end somewhere. */
type Deepest = [1, 1, 1, 1, 1, 1, 1, 1];

/** The names in `G` that `W` does not know, eight messages deep. A `oneof` is left to plain assignability. */
type Surplus<G, W, Depth extends 1[] = []> = 0 extends 1 & G
  ? never // `any` fits everything.
  : G extends Scalar
    ? never
    : Depth extends Deepest
      ? never
      : Same<G, W> extends true
        ? never
        : G extends readonly (infer GE)[]
          ? W extends readonly (infer WE)[]
            ? Surplus<GE, WE, Depth>
            : never
          : W extends { $case: string } | ReadonlyMap<unknown, unknown>
            ? never
            : string extends keyof W
              ? never
              : {
                  [K in keyof G]-?: K extends keyof W
                    ? Surplus<NonNullable<G[K]>, NonNullable<W[K]>, [...Depth, 1]>
                    : K;
                }[keyof G];

type Answered<R> = Awaited<R> extends AsyncIterable<infer O> ? O : Awaited<R>;
type Wanted<M> = M extends { readonly response: { decode(input: Uint8Array): infer O } } ? O : never;

type MethodFits<M, F> = F extends (...args: never[]) => infer R
  ? [Surplus<Answered<R>, Wanted<M>>] extends [never]
    ? unknown
    : { readonly "not in the reply message": Surplus<Answered<R>, Wanted<M>> }
  : unknown;

type Misfits<T, M> = {
  readonly [K in keyof T]: K extends keyof M
    ? MethodFits<M[K], T[K]>
    : K extends string
      ? T[K] extends (...args: never[]) => unknown
        ? { readonly "is no method of the service": K }
        : unknown
      : unknown;
};

/**
 * An implementation `T` of methods `M`, with what TypeScript does not look for: unknown fields in what a function
 * returns, and functions that the service has no method for. So a misspelt field of a reply does not compile, nor does a
 * method that the contract has lost.
 */
export type Fits<T, M> = T & Misfits<T, M>;

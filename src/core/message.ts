import type { FileDescriptor } from "./file-descriptor.ts";

type Scalar = string | number | boolean | undefined | Uint8Array | Date;

type FieldInit<T> = T extends bigint
  ? bigint | number | string
  : T extends Scalar
    ? T
    : T extends readonly (infer U)[]
      ? readonly FieldInit<U>[]
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<K, FieldInit<V>>
        : T extends { $case: string; value: unknown }
          ? { $case: T["$case"]; value?: FieldInit<T["value"]> }
          : MessageInit<T>;

/** What you may hand in for a message: any field may be left out and then has its proto default. */
export type MessageInit<T> = { [K in keyof T]?: FieldInit<T[K]> | undefined };

/**
 * A message type, as ts-proto writes it: a name and a codec. The writer and the reader are those of
 * `@bufbuild/protobuf/wire`, or a transport's own that extend them.
 */
export interface MessageType<T> {
  /** The full proto name: `greeter.v1.HelloRequest`. */
  readonly $type: string;
  /** The `.proto` file that it is of, for its JSON form. */
  readonly $file?: FileDescriptor | undefined;
  encode(message: T, writer?: never): { finish(): Uint8Array };
  decode(input: Uint8Array, length?: number): T;
  /** A whole message from a part of one. */
  fromPartial(partial: never): T;
}

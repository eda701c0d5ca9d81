import { type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { isObject } from "../core/json-object.ts";
import { located } from "../core/located.ts";
import type { MessageInit, MessageType } from "../core/message.ts";
import { checkKind, type OptionKind } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import { readJson } from "./read-json.ts";
import { recorded } from "./recorded.ts";
import { writeJson } from "./write-json.ts";

/** What `JSON.parse` gives and `JSON.stringify` takes. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

export interface ToJsonOptions {
  /** Writes fields that have their default as well; they are left out by default. */
  readonly alwaysEmitImplicit?: boolean | undefined;
  /** The types that an `Any` may hold beside those of the message's file and of what that imports. */
  readonly types?: readonly MessageType<any>[] | undefined;
}

export interface FromJsonOptions {
  /** Passes over fields that the message has not; they are an error by default. */
  readonly ignoreUnknownFields?: boolean | undefined;
  /** The types that an `Any` may hold beside those of the message's file and of what that imports. */
  readonly types?: readonly MessageType<any>[] | undefined;
}

/**
 * A message as JSON, by protobuf's own rules: 64-bit integers as text, bytes in base64, enums by name, times as RFC 3339.
 * What gRPC in any other language writes and reads.
 *
 * ```ts
 * JSON.stringify(toJson(Article, await shop.find({ id: "tea" }))); // {"id":"tea","cents":"250"}
 * ```
 *
 * @throws TypeError that names the field by its path where a value does not fit, or where JSON has no form for it
 */
export function toJson<T>(type: MessageType<T>, message: MessageInit<T>, options: ToJsonOptions = {}): JsonValue {
  checkNames<ToJsonOptions>(options, { alwaysEmitImplicit: true, types: true }, "toJson");
  checkKind("the type of toJson", type, typeKind);
  const { schema, registry } = recorded(type, options.types);
  const bytes = encoded(type, message);
  const read = readBack(schema, () => fromBinary(schema, bytes, { readUnknownFields: false }));
  return writeJson(schema, read, { registry, alwaysEmitImplicit: options.alwaysEmitImplicit ?? false });
}

/**
 * The message that JSON stands for, by protobuf's own rules: fields by their JSON or their `.proto` names, 64-bit integers
 * as text or numbers, `null` for what is unset.
 *
 * ```ts
 * const article = fromJson(Article, JSON.parse(text));
 * ```
 *
 * @throws TypeError that names what does not fit by its path: `items[3].price: …`
 */
export function fromJson<T>(type: MessageType<T>, json: unknown, options: FromJsonOptions = {}): T {
  checkNames<FromJsonOptions>(options, { ignoreUnknownFields: true, types: true }, "fromJson");
  checkKind("the type of fromJson", type, typeKind);
  const { schema, registry } = recorded(type, options.types);
  const read = readJson(schema, json, { registry, ignoreUnknownFields: options.ignoreUnknownFields ?? false });
  const bytes = located(read, (given) => toBinary(schema, given));
  return readBack(schema, () => type.decode(bytes));
}

const typeKind: OptionKind = {
  fits: (value) => isObject(value) && typeof value.$type === "string",
  remedy: "give a generated message, such as HelloReply",
};

function readBack<T>(schema: DescMessage, decode: () => T): T {
  try {
    return decode();
  } catch (cause) {
    // What has just been written is well-formed: it can only be too deep.
    throw new TypeError(`${schema.typeName} holds messages that are nested more than 100 deep`, { cause });
  }
}

function encoded<T>(type: MessageType<T>, message: MessageInit<T>): Uint8Array {
  if (typeof message !== "object" || message === null)
    throw new TypeError(`${type.$type} is a message, not ${message}`);
  const whole = located(message, (given) => type.fromPartial(given as never));
  return located(whole, (given) => type.encode(given).finish());
}

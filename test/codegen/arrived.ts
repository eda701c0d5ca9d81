import assert from "node:assert/strict";
import * as es from "@bufbuild/protobuf";
import { fromJson, toJson } from "trunkline";
import type { MessageType } from "trunkline/contract";
import { recorded } from "../../src/json/recorded.ts";
import { samples } from "./samples.ts";

/** The samples of a type, as its own code has them. */
export function messages<T>(type: MessageType<T>): T[] {
  const { schema } = recorded(type, undefined);
  return samples(schema).map((sample) => type.decode(es.toBinary(schema, sample)));
}

/**
 * That a message is what was sent, in its fields' own names, in bytes and in JSON.
 * @throws AssertionError
 */
export function check(type: MessageType<any>, message: unknown, sent: unknown): void {
  assert.deepEqual(message, sent);
  const { schema, registry } = recorded(type, undefined);
  const read = es.fromBinary(schema, type.encode(message as never).finish());
  const sample = samples(schema).find((each) => es.equals(schema, each, read));
  assert.ok(sample !== undefined, `${type.$type}: ${es.toJsonString(schema, read, { registry })}`);
  const json = toJson(type, message as never);
  assert.deepEqual(json, es.toJson(schema, sample, { registry }));
  assert.deepEqual(fromJson(type, json), message);
}

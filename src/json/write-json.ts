import { type DescMessage, type JsonValue, type JsonWriteOptions, type Message, toJson } from "@bufbuild/protobuf";
import { located } from "../core/located.ts";

/** @throws TypeError where JSON has no form for a value, a time of the year 10,000, say: it names the field by its path */
export function writeJson(schema: DescMessage, message: Message, options: Partial<JsonWriteOptions>): JsonValue {
  return located(message, (given) => toJson(schema, given, options));
}

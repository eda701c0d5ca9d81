import { type DescMessage, type JsonValue, type JsonWriteOptions, type Message, toJson } from "@bufbuild/protobuf";
import { lastRead } from "./last-read.ts";
import { misfit } from "./read-json.ts";

/** @throws TypeError where JSON has no form for a value, a time of the year 10,000, say: it names the field by its path */
export function writeJson(schema: DescMessage, message: Message, options: Partial<JsonWriteOptions>): JsonValue {
  try {
    return toJson(schema, message, options);
  } catch (cause) {
    throw misfit(
      cause,
      lastRead(message, (watched) => toJson(schema, watched, options)),
    );
  }
}

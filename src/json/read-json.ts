import {
  type DescMessage,
  fromJson,
  fromJsonString,
  type JsonReadOptions,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { shortened } from "../core/printable.ts";
import { lastRead } from "./last-read.ts";

/** @throws TypeError that says where in the JSON what does not fit stands: `items[3].price: …` */
export function readJson(schema: DescMessage, json: unknown, options: Partial<JsonReadOptions>): Message {
  try {
    return fromJson(schema, json as JsonValue, options);
  } catch (cause) {
    throw misfit(
      cause,
      lastRead(json, (watched) => fromJson(schema, watched, options)),
    );
  }
}

/** As `readJson`, from text; a key that occurs twice is refused. */
export function readJsonText(schema: DescMessage, text: string, options: Partial<JsonReadOptions>): Message {
  try {
    return fromJsonString(schema, text, options);
  } catch (cause) {
    throw misfit(
      cause,
      lastRead(parsed(text), (watched) => fromJson(schema, watched, options)),
    );
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The error of what does not fit, with where it stands. */
export function misfit(cause: unknown, path: string): TypeError {
  const why = shortened((cause as Error).message);
  return new TypeError(path === "" ? why : `${shortened(path)}: ${why}`, { cause });
}

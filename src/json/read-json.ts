import {
  type DescMessage,
  fromJson,
  fromJsonString,
  type JsonReadOptions,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { lastRead } from "../core/last-read.ts";
import { located, misfit } from "../core/located.ts";

/** @throws TypeError that says where in the JSON what does not fit stands: `items[3].price: …` */
export function readJson(schema: DescMessage, json: unknown, options: Partial<JsonReadOptions>): Message {
  try {
    return located(json, (given) => fromJson(schema, given as JsonValue, options));
  } catch (error) {
    if (typeof json !== "string" || !/^\s*[{[]/.test(json)) throw error;
    throw new TypeError(`${schema.typeName} is given as text: give what JSON.parse makes of it`, { cause: error });
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

// Imports each generated file of a folder, and sends each message through its codec, empty and filled:
// node load.ts <folder>

import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { MessageType } from "trunkline/contract";
import { recorded } from "../../src/json/recorded.ts";
import { check, messages } from "../codegen/arrived.ts";
import { hasJson } from "../codegen/samples.ts";

const mostShown = 20;

const [folder = "."] = process.argv.slice(2);
const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
const failures: string[] = [];
let loaded = 0;
let sent = 0;
for (const path of paths) {
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(join(folder, path)).href);
    loaded++;
    Object.values(module).filter(isMessageType).forEach(send);
  } catch (error) {
    failures.push(`${path}: ${(error as Error).message}`);
  }
}
for (const failure of failures.slice(0, mostShown)) process.stderr.write(`${failure}\n`);
if (failures.length > mostShown) process.stderr.write(`and ${failures.length - mostShown} more\n`);
process.stdout.write(JSON.stringify({ loaded, sent, failed: failures.length }));

function isMessageType(value: unknown): value is MessageType<any> {
  return typeof value === "object" && value !== null && "$type" in value && "encode" in value;
}

/** The entry of a map, which is no message of its own to anybody but ts-proto. */
function isMapEntry(type: MessageType<any>): boolean {
  if (!type.$type.endsWith("Entry")) return false;
  try {
    return recorded(type, undefined) === undefined;
  } catch {
    return true;
  }
}

function send(type: MessageType<any>): void {
  try {
    const empty = type.fromPartial({} as never);
    assert.deepEqual(type.decode(type.encode(empty).finish()), empty);
    if (hasJson({ typeName: type.$type }) && !isMapEntry(type))
      for (const message of messages(type)) check(type, type.decode(type.encode(message).finish()), message);
    sent++;
  } catch (error) {
    failures.push(`${type.$type}: ${(error as Error).message.slice(0, 500)}`);
  }
}

import type { ValueKey } from "../core/call.ts";
import { isObject } from "../core/json-object.ts";
import { checkRanges, numberFrom } from "../core/number-range.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import type { HandlerContextInit } from "./handler-context.ts";

const names: OptionNames<HandlerContextInit> = {
  method: true,
  metadata: true,
  timeoutMs: true,
  signal: true,
  draining: true,
  peer: true,
  values: true,
};

/** @throws TypeError that names the option that there is not, or that cannot be, and what to give */
export function checkContext(init: HandlerContextInit): void {
  checkNames(init, names, "handlerContext");
  checkRanges<Pick<HandlerContextInit, "timeoutMs">>(init, { timeoutMs: numberFrom(0, { endless: true }) });
  const { method, metadata, signal, draining, peer } = init;
  expect(method, "method", isMethod, "one of a service: Greeter.methods.sayHello");
  expect(metadata, "metadata", isGroup, 'an object: { "x-tenant": "acme" }');
  expect(signal, "signal", isSignal, "an AbortSignal");
  expect(draining, "draining", isSignal, "an AbortSignal");
  expect(peer, "peer", isPeer, 'an object: { address: "10.0.0.5:50051" }');
}

/** Those that interceptors would have attached. It throws as `checkContext`. */
export function attached(values: HandlerContextInit["values"]): ReadonlyMap<ValueKey<any>, unknown> | undefined {
  if (values === undefined) return undefined;
  expect(values, "values", isIterable, "pairs of a key and its value: [[user, ada]]");
  const map = new Map<ValueKey<any>, unknown>();
  for (const pair of values) {
    expect(pair ?? null, "a pair in values", isPair, "a valueKey and its value: [user, ada]");
    map.set(...pair);
  }
  return map;
}

function expect(value: unknown, name: string, fits: (value: unknown) => boolean, remedy: string): void {
  if (value === undefined || fits(value)) return;
  throw new TypeError(`${name} of handlerContext is ${shown(value)}: give ${remedy}`);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object that is none" : String(value);
}

function isMethod(value: unknown): boolean {
  return isObject(value) && typeof value.path === "string" && typeof value.kind === "string";
}

function isGroup(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function isSignal(value: unknown): boolean {
  return isObject(value) && typeof value.aborted === "boolean" && typeof value.addEventListener === "function";
}

function isPeer(value: unknown): boolean {
  return isObject(value) && typeof value.address === "string";
}

function isIterable(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function isPair(value: unknown): boolean {
  return Array.isArray(value) && isObject(value[0]) && typeof value[0].description === "string";
}

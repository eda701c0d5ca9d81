import { setTimeout as sleep } from "node:timers/promises";
import type { Order } from "./gen/bench/v1/bench.ts";

/** What every contender's handler does, so that all do the same. */
export function greet(text: string): string {
  return `Hello ${text}`;
}

let worked = 0;

/** Takes 1 to 10 ms, in turn. */
export function work(): Promise<void> {
  worked = (worked % 10) + 1;
  return sleep(worked);
}

let parked: (() => void)[] = [];

/** Resolves when `release` is called. */
export function park(): Promise<void> {
  return new Promise((resolve) => parked.push(resolve));
}

export function release(): void {
  const released = parked;
  parked = [];
  for (const each of released) each();
}

const blobs = new Map<number, Uint8Array>();

/** Bytes to send, made once for each size. */
export function blob(size: number): Uint8Array {
  const known = blobs.get(size);
  if (known !== undefined) return known;
  const made = new Uint8Array(size).fill(0x61);
  blobs.set(size, made);
  return made;
}

/** 776 bytes in protobuf. */
export const order: Order = {
  id: "ord_01J9ZK4T7Q8XW2M5N6P3R1S0VB",
  createdMs: 1_760_000_000_123n,
  status: 2,
  customer: { id: 9_007_199_254_740_991n, name: "Zoë Müller", email: "zoe.mueller@example.com", verified: true },
  shipping: { street: "Große Straße 12", city: "Köln", postalCode: "50667", country: "DE" },
  billing: { street: "1600 Amphitheatre Parkway", city: "Mountain View", postalCode: "94043", country: "US" },
  items: [
    { sku: "SKU-0001-RED-XL", title: "T-shirt, organic cotton", quantity: 2, price: 24.9, options: [1, 4, 300] },
    { sku: "SKU-0002-BLU-42", title: "Running shoes, trail", quantity: 1, price: 129.95, options: [7, 12] },
    { sku: "SKU-0417-BLK-OS", title: "Cap", quantity: 3, price: 15, options: [] },
    { sku: "SKU-1093-GRN-M", title: "Rain jacket, three layers", quantity: 1, price: 219.5, options: [2, 2, 9, 70000] },
    { sku: "SKU-2210-WHT-39", title: "Socks, merino, five pairs", quantity: 1, price: 39.95, options: [1] },
  ],
  tags: ["gift", "express", "returning-customer", "newsletter", "summer-sale-2025"],
  total: 484.2,
  currency: "EUR",
  note: "Please leave it with the neighbour on the second floor if nobody answers the bell. ".repeat(3).slice(0, 231),
};

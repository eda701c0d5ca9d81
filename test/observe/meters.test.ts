import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as conventions from "@opentelemetry/semantic-conventions";
import { Code, concurrencyLimit, createChannel, createClient, RpcError } from "trunkline";
import { meters } from "trunkline/observe";
import { afterEach, expect, test, vi } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { createFacts, type Facts } from "../../src/core/facts.ts";
import { INSTRUMENTS } from "../../src/observe/instruments.ts";
import { greeterPair } from "../support/greeter.ts";
import { type Measured, measured } from "./measured.ts";

let recording: ReturnType<typeof measured> | undefined;
afterEach(() => recording?.stop());

const method = "/a.A/B";
const ofMethod = { "rpc.system.name": "grpc", "rpc.method": "a.A/B" };
const ofService = { "server.address": "a.A" };
const whose = { service: "a.A", peer: "10.0.0.1:1" };
const registered = { services: ["a.A"], address: "10.0.0.1:1" };
const connection = { address: "10.0.0.1:1", peer: undefined };
const ended = { method, code: "OK", error: undefined, tookMs: 1, caller: undefined, peer: undefined } as const;
const closed = { ...connection, reason: "", heldMs: 2_000, bytesReceived: 10, bytesSent: 20 };

/** One of all that is measured. */
function tellAll({ on }: Facts): void {
  for (const side of ["client", "server"] as const) {
    on["call-began"]?.({ side, method, caller: undefined });
    on["call-began"]?.({ side, method, caller: undefined });
    on["call-ended"]?.({ ...ended, side, attempts: 1, sent: 2, received: 3, trace: undefined });
    on["connection-opened"]?.({ ...connection, side });
    on["connection-closed"]?.({ ...closed, side });
  }
  on["attempt-picked"]?.({ method, attempt: 1, peer: "10.0.0.1:1", why: "waited", waitedMs: 500 });
  on["attempt-ended"]?.({ method, attempt: 1, peer: "10.0.0.1:1", code: "UNAVAILABLE", tookMs: 250 });
  on["retry-planned"]?.({ method, attempt: 2, peer: "10.0.0.1:1", delayMs: 1, budgetLeft: 7 });
  on["hedge-sent"]?.({ method, attempt: 2, budgetLeft: 6 });
  on["budget-exhausted"]?.({ method, attempts: 2 });
  on["peer-state-changed"]?.({ ...whose, from: undefined, to: "connecting", reason: undefined });
  on["peer-state-changed"]?.({ ...whose, from: "connecting", to: "ready", reason: undefined });
  on["circuit-opened"]?.({ ...whose, openMs: 1, code: "UNAVAILABLE", message: "" });
  on["circuit-half-open"]?.(whose);
  on["panic-began"]?.({ service: "a.A" });
  on["connection-failed"]?.({ address: "10.0.0.1:1", reason: "refused" });
  on["connection-refused"]?.({ address: "a:1", peer: "b:2", reason: "too many" });
  on["certificate-expiring"]?.({ subject: "CN=a", expiresAt: new Date(Date.now() + 60_000), daysLeft: 0 });
  on["limit-refused"]?.({ limit: "rate", method, caller: undefined, reason: "" });
  on["call-queued"]?.({ method, waiting: 1 });
  on["call-queued"]?.({ method, waiting: 2 });
  on["call-dequeued"]?.({ method, waiting: 1, waitedMs: 100, started: true });
  on["handler-threw"]?.({ method, error: new Error() });
  on["caller-refused"]?.({ method, caller: undefined, why: "" });
  on["registry-snapshot"]?.({
    service: "a.A",
    endpoints: 3,
    state: "current",
    reason: undefined,
    incomplete: undefined,
  });
  on["registry-lost"]?.({ service: "a.A", reason: "" });
  on["registry-doubted"]?.({ service: "a.A", reason: "" });
  on["registration-lost"]?.({ ...registered, reason: "" });
}

const byName = (one: string, other: string): number => one.localeCompare(other);

const shown = ({ name, type, unit, value, attributes }: Measured): string =>
  [name.replace("trunkline.", ""), type, unit, value, JSON.stringify(attributes)].join(" ");

test("names, kinds, units and attributes", () => {
  recording = measured();
  tellAll(createFacts({ observers: [meters()] }));
  const at = JSON.stringify;
  expect(recording.told.map(shown).toSorted(byName)).toEqual(
    [
      ...["client", "server"].flatMap((side) => [
        `${side}.sent_messages counter {message} ${side === "client" ? 2 : 2} ${at(ofMethod)}`,
        `${side}.received_messages counter {message} 3 ${at(ofMethod)}`,
        `${side}.connection.duration histogram s 2 {}`,
        `${side}.io counter By 10 ${at({ "trunkline.io.direction": "receive" })}`,
        `${side}.io counter By 20 ${at({ "trunkline.io.direction": "transmit" })}`,
      ]),
      `client.picks counter {pick} 1 ${at({ ...ofMethod, "trunkline.pick.reason": "waited" })}`,
      `client.pick.wait.duration histogram s 0.5 ${at(ofMethod)}`,
      `client.attempt.duration histogram s 0.25 ${at({ ...ofMethod, "rpc.status_code": "UNAVAILABLE" })}`,
      `client.retries counter {retry} 1 ${at(ofMethod)}`,
      `client.hedges counter {hedge} 1 ${at(ofMethod)}`,
      `client.retry_budget.exhausted counter {call} 1 ${at(ofMethod)}`,
      `client.circuit.changes counter {change} 1 ${at({ ...ofService, "trunkline.circuit.state": "open" })}`,
      `client.circuit.changes counter {change} 1 ${at({ ...ofService, "trunkline.circuit.state": "half-open" })}`,
      "client.connection.failures counter {connection} 1 {}",
      `server.connection.refusals counter {connection} 1 ${at({ "trunkline.refusal.reason": "limit" })}`,
      `server.limit.refusals counter {call} 1 ${at({ ...ofMethod, "trunkline.limit": "rate" })}`,
      `server.queue.duration histogram s 0.1 ${at({ ...ofMethod, "trunkline.queue.started": true })}`,
      `server.handler.faults counter {fault} 1 ${at({ ...ofMethod, "trunkline.fault": "threw" })}`,
      `server.callers_refused counter {call} 1 ${at(ofMethod)}`,
      "registry.outages counter {outage} 1 {}",
      `registry.doubts counter {doubt} 1 ${at(ofService)}`,
      `registration.changes counter {change} 1 ${at({ "trunkline.registration.state": "lost" })}`,
    ].toSorted(byName),
  );
  const standing = recording.collect();
  const near = ({ name }: Measured) => ["trunkline.registry.age", "trunkline.certificate.time_left"].includes(name);
  expect(standing.filter((each) => !near(each)).map(shown)).toEqual([
    `client.active_calls sum {call} 1 ${at(ofMethod)}`,
    `server.active_calls sum {call} 1 ${at(ofMethod)}`,
    "client.retry_budget.left gauge {retry} 0 {}",
    `client.peers sum {peer} 0 ${at({ ...ofService, "trunkline.peer.state": "connecting" })}`,
    `client.peers sum {peer} 1 ${at({ ...ofService, "trunkline.peer.state": "ready" })}`,
    `client.circuits sum {circuit} 0 ${at({ ...ofService, "trunkline.circuit.state": "open" })}`,
    `client.circuits sum {circuit} 1 ${at({ ...ofService, "trunkline.circuit.state": "half-open" })}`,
    `client.panics gauge {service} 1 ${at(ofService)}`,
    "client.connections sum {connection} 0 {}",
    "server.connections sum {connection} 0 {}",
    "server.queue.length sum {call} 1 {}",
    `registry.endpoints gauge {endpoint} 3 ${at(ofService)}`,
    `registry.stale gauge {service} 0 ${at(ofService)}`,
  ]);
  const [age, left] = standing.filter(near);
  expect(age).toMatchObject({ type: "gauge", unit: "s", attributes: ofService });
  expect(age?.value).toBeLessThan(60);
  expect(left?.value).toBeGreaterThan(0);
  expect(left?.value).toBeLessThanOrEqual(60);
});

test("attributes are OpenTelemetry's stable ones, or named after Trunkline", () => {
  recording = measured();
  tellAll(createFacts({ observers: [meters()] }));
  const stable = new Set<unknown>(Object.values(conventions));
  const names = [...recording.told, ...recording.collect()].flatMap(({ attributes }) => Object.keys(attributes));
  expect(names.filter((name) => !stable.has(name) && !name.startsWith("trunkline."))).toEqual([]);
});

test("what stands is known to an SDK that is registered later", () => {
  const facts = createFacts({ observers: [meters()] });
  tellAll(facts);
  recording = measured();
  expect(recording.collect()).toEqual([]);
  facts.on["call-began"]?.({ side: "client", method, caller: undefined });
  const active = recording.collect().find(({ name }) => name === "trunkline.client.active_calls");
  expect(active?.value).toBe(2);
});

test("the attributes are bounded, however many services and peers there are", () => {
  recording = measured();
  const { on } = createFacts({ observers: [meters()] });
  for (let i = 0; i < 3_000; i++) {
    const fact = { service: `s${i}`, peer: `10.0.0.1:${i}`, reason: undefined };
    on["peer-state-changed"]?.({ ...fact, from: undefined, to: "ready" });
    on["peer-state-changed"]?.({ ...whose, peer: `10.0.0.1:${i}`, from: undefined, to: "ready", reason: undefined });
  }
  const peers = recording.collect().filter(({ name }) => name === "trunkline.client.peers");
  expect(peers.length).toBeLessThanOrEqual(1_001);
  expect(peers.reduce((total, { value }) => total + value, 0)).toBe(6_000);
  expect(peers.filter(({ attributes }) => attributes["server.address"] === "a.A")).toMatchObject([{ value: 3_000 }]);
});

test("a real channel and a real server are measured, streams to their end", async () => {
  recording = measured();
  const [client, server] = [meters(), meters()];
  const slow = Promise.withResolvers<{ message: string }>();
  const began = Promise.withResolvers<void>();
  {
    await using pair = await greeterPair({
      channel: { observers: [client] },
      server: { observers: [server], interceptors: [concurrencyLimit()] },
      implementation: {
        sayHello() {
          began.resolve();
          return slow.promise;
        },
        sayHelloAgain() {
          throw new RpcError(Code.ABORTED, "no");
        },
      },
    });
    const waiting = pair.greeter.sayHello({});
    await began.promise;
    const value = (name: string, attributes: object = {}) =>
      recording
        ?.collect()
        .filter((each) => each.name === `trunkline.${name}`)
        .find((each) => Object.entries(attributes).every(([key, at]) => each.attributes[key] === at))?.value;
    expect(value("client.active_calls")).toBe(1);
    expect(value("server.active_calls")).toBe(1);
    expect(value("client.connections")).toBe(1);
    expect(value("client.peers", { "trunkline.peer.state": "ready" })).toBe(1);
    expect(value("registry.endpoints")).toBe(1);
    slow.resolve({ message: "" });
    await waiting;
    await pair.greeter.sayHelloAgain({}).catch(() => {});
    for await (const _ of pair.greeter.chat([{ name: "a" }, { name: "b" }]));
    expect(value("client.active_calls")).toBe(0);
    const sent = recording.told.filter(({ name }) => name === "trunkline.client.sent_messages");
    expect(sent.map(({ value }) => value)).toEqual([1, 1, 2]);
  }
  const codes = recording.told
    .filter(({ name }) => name === "trunkline.client.attempt.duration")
    .map(({ attributes }) => attributes["rpc.status_code"]);
  expect(codes).toEqual(["OK", "ABORTED", "OK"]);
  await vi.waitUntil(() => recording?.told.some(({ name }) => name === "trunkline.server.io"));
  const bytes = recording.told.filter(({ name }) => name === "trunkline.server.io").map(({ value }) => value);
  expect(Math.min(...bytes)).toBeGreaterThan(100);
});

test("without an SDK nothing is measured, and calls are made as ever", async () => {
  await using pair = await greeterPair({ channel: { observers: [meters()] } });
  expect(await pair.greeter.sayHello({ name: "you" })).toEqual({ message: "Hello you" });
  const channel = createChannel({ endpoints: ["127.0.0.1:1"], observers: [meters()] });
  await expect(createClient(Greeter, channel).sayHello({})).rejects.toThrow("not connected");
  await channel.close();
});

test("the page for operators lists what is measured, with its unit", () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../docs/operations.md"), "utf8");
  const missing = Object.values(INSTRUMENTS).filter(({ name, unit }) => !page.includes(`| \`${name}\` | ${unit} |`));
  expect(missing.map(({ name, unit }) => `${name} ${unit}`)).toEqual([]);
});

// Serves each service of the generated files in a folder, calls each method over a connection, and compares what arrives
// with what protobuf-es makes of the same message: node round-trip.ts <folder>

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createChannel, createClient, createServer } from "trunkline";
import type { Service } from "trunkline/contract";
import type { Method } from "../../src/core/method.ts";
import { check, messages } from "./arrived.ts";

const [folder = "."] = process.argv.slice(2);
const services = await servicesIn(folder);
const server = createServer();
const asked = new Map<Method, unknown[]>();
for (const service of services) server.add(service, implementationOf(service));
const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")] });
let calls = 0;
for (const service of services) {
  const client = createClient(service, channel) as unknown as Record<string, (request: unknown) => unknown>;
  for (const [property, method] of Object.entries(service.methods)) {
    for (const request of messages(method.request)) {
      const sent = method.requestStream ? only(request) : request;
      const answered = client[property]?.(sent);
      const reply = method.responseStream ? await last(answered as AsyncIterable<unknown>) : await answered;
      check(method.request, asked.get(method)?.shift(), request);
      check(method.response, reply, messages(method.response)[0]);
      calls++;
    }
  }
}
await channel.close();
await server.close();
process.stdout.write(`${services.length} services, ${calls} calls\n`);

async function servicesIn(path: string): Promise<Service[]> {
  const files = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".rpc.ts"));
  const modules = await Promise.all(files.map((name) => import(pathToFileURL(join(path, name)).href)));
  return modules.flatMap((module) => Object.values<Service>(module));
}

function implementationOf({ methods }: Service): never {
  const handlers = Object.entries(methods).map(([property, method]) => {
    const answer = async (request: unknown): Promise<unknown> => {
      const received = method.requestStream ? await last(request as AsyncIterable<unknown>) : request;
      asked.set(method, [...(asked.get(method) ?? []), received]);
      return messages(method.response)[0];
    };
    const stream = async function* (request: unknown) {
      yield await answer(request);
    };
    return [property, method.responseStream ? stream : answer];
  });
  return Object.fromEntries(handlers) as never;
}

async function* only(message: unknown) {
  yield message;
}

async function last(messages: AsyncIterable<unknown>): Promise<unknown> {
  let found: unknown;
  for await (const message of messages) found = message;
  return found;
}

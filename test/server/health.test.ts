import { Code, createChannel, createClient, createServer, RpcError } from "trunkline";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Health } from "../../gen/grpc/health/v1/health.rpc.ts";
import { HealthCheckResponse_ServingStatus as Status } from "../../gen/grpc/health/v1/health.ts";
import { greeterPair, greetings } from "../support/greeter.ts";

const service = "greeter.v1.Greeter";

test("every service is SERVING once the server listens, and so is the server as a whole", async () => {
  await using pair = await greeterPair();
  const health = createClient(Health, pair.channel);
  expect(await health.check({ service })).toEqual({ status: Status.SERVING });
  expect(await health.check({})).toEqual({ status: Status.SERVING });
  expect((await health.list({})).statuses).toMatchObject({ [service]: { status: Status.SERVING } });
});

test("a service that nobody keeps the health of is NOT_FOUND to Check and SERVICE_UNKNOWN to Watch", async () => {
  await using pair = await greeterPair();
  const health = createClient(Health, pair.channel);
  const error = await health.check({ service: "no.Such" }).catch(RpcError.from);
  expect(error).toMatchObject({ code: Code.NOT_FOUND });
  for await (const { status } of health.watch({ service: "no.Such" })) {
    expect(status).toBe(Status.SERVICE_UNKNOWN);
    break;
  }
});

test("Watch tells every change, and no status twice", async () => {
  await using pair = await greeterPair();
  const seen: number[] = [];
  for await (const { status } of createClient(Health, pair.channel).watch({ service })) {
    seen.push(status);
    if (seen.length === 1) {
      pair.server.health.set("another.Service", "SERVING");
      pair.server.health.set(service, "NOT_SERVING");
    }
    if (seen.length === 2) pair.server.health.set(service, "SERVING");
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([Status.SERVING, Status.NOT_SERVING, Status.SERVING]);
});

test("a server that closes says NOT_SERVING to its watchers, ends their streams and is not held up by them", async () => {
  const server = createServer().add(Greeter, greetings);
  const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")] });
  const watch = createClient(Health, channel).watch({ service });
  expect(await watch.next()).toMatchObject({ value: { status: Status.SERVING } });
  const closed = server.close();
  expect(await watch.next()).toMatchObject({ value: { status: Status.NOT_SERVING } });
  expect(await watch.next()).toMatchObject({ done: true });
  await closed;
  await channel.close();
});

test("a connection watches no more than a hundred services, and may go on when it has left some", async () => {
  await using pair = await greeterPair();
  const health = createClient(Health, pair.channel);
  const watches = Array.from({ length: 100 }, (_, i) => health.watch({ service: `a.Service${i}` }));
  await Promise.all(watches.map((watch) => watch.next()));
  await expect(health.watch({ service }).next()).rejects.toMatchObject({ code: Code.RESOURCE_EXHAUSTED });
  expect(await health.check({ service })).toEqual({ status: Status.SERVING });
  await watches[0]?.return?.();
  const again = async () => {
    for await (const { status } of health.watch({ service })) return status;
    return undefined;
  };
  await expect.poll(() => again().catch(RpcError.from)).toBe(Status.SERVING);
  for (const watch of watches) await watch.return?.();
});

test("a name of megabytes is not kept", async () => {
  await using pair = await greeterPair();
  const health = createClient(Health, pair.channel);
  const long = "x".repeat(1_025);
  await expect(health.watch({ service: long }).next()).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
  await expect(health.check({ service: long })).rejects.toMatchObject({ code: Code.INVALID_ARGUMENT });
});

test("a status that is set before the server listens stands", async () => {
  await using server = createServer().add(Greeter, greetings);
  server.health.set(service, "NOT_SERVING");
  const channel = createChannel({ endpoints: [await server.listen("127.0.0.1:0")] });
  const health = createClient(Health, channel);
  expect(await health.check({ service })).toEqual({ status: Status.NOT_SERVING });
  expect(await health.check({})).toEqual({ status: Status.SERVING });
  await channel.close();
});

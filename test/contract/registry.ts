import { afterEach, describe, expect, test } from "vitest";
import { createFacts, type Fact } from "../../src/core/facts.ts";
import type { Registration, Registry, Snapshot } from "../../src/registry/registry.ts";
import { watchService } from "../support/snapshots.ts";

let names = 0;
/** A service of its own for each test, so that they can share one registry. */
export const freshService = (): string => `contract.v1.Service${process.pid}x${++names}`;

/**
 * What every registry does. `connect` gives a new view of one and the same registry each time it is called: another
 * client of one etcd, or the one object that lives in memory.
 */
export function registryContract(name: string, connect: () => Registry | Promise<Registry>): void {
  describe(`the registry contract: ${name}`, () => {
    const open: Registry[] = [];
    const registry = async () => {
      const made = await connect();
      open.push(made);
      return made;
    };
    afterEach(async () => {
      await Promise.all(open.splice(0).map((each) => each.close()));
    });

    test("a service that nobody registered is a current empty list", async () => {
      const watched = watchService(await registry(), freshService());
      const snapshot = await watched.until(() => true);
      expect(snapshot).toMatchObject({ endpoints: [], state: "current" });
    });

    test("a server is found under every service it announces, with its address and metadata", async () => {
      const it = await registry();
      const services = [freshService(), freshService()];
      const endpoint = { address: "10.1.2.3:50051", metadata: { zone: "eu-1", quote: '"\\/\n', späte: "Ünïcode ✓" } };
      await it.register({ services, endpoint }).registered;
      for (const service of services) {
        const snapshot = await watchService(it, service).untilCurrent("10.1.2.3:50051");
        expect(snapshot.endpoints).toEqual([endpoint]);
      }
    });

    test("what is said of one service alone stands in its entry, and in no other", async () => {
      const it = await registry();
      const [one, other] = [freshService(), freshService()] as const;
      const endpoint = { address: "10.1.2.3:50051", metadata: { zone: "a", weight: "1" } };
      const metadataOf = {
        [one]: { methods: `${one}/Echo`, weight: "2" },
        "not.Announced": { methods: "x", weight: "9" },
      };
      await it.register({ services: [one, other], endpoint, metadataOf }).registered;
      const ofOne = await watchService(it, one).untilCurrent("10.1.2.3:50051");
      expect(ofOne.endpoints[0]?.metadata).toEqual({ zone: "a", weight: "2", methods: `${one}/Echo` });
      const ofOther = await watchService(it, other).untilCurrent("10.1.2.3:50051");
      expect(ofOther.endpoints).toEqual([endpoint]);
      const wrong = { services: [one], endpoint, metadataOf: { [one]: { methods: 7 as never } } };
      expect(() => it.register(wrong)).toThrow('metadata "methods" of 10.1.2.3:50051 is number');
    });

    test("a new server shows, and a closed one is gone, within a second", async () => {
      const [server, client] = [await registry(), await registry()];
      const service = freshService();
      const watched = watchService(client, service);
      await watched.untilCurrent();
      const stays = server.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } });
      const goes = server.register({ services: [service], endpoint: { address: "10.0.0.2:1000" } });
      await Promise.all([stays.registered, goes.registered]);
      await watched.until(({ endpoints }) => endpoints.length === 2, 1_000);
      await goes.close();
      await watched.until(({ endpoints }) => endpoints.length === 1, 1_000);
      expect(watched.addresses).toEqual(["10.0.0.1:1000"]);
    });

    test("a service never sees the servers of one whose name its own begins", async () => {
      const it = await registry();
      const service = freshService();
      const longer = it.register({ services: [`${service}C`], endpoint: { address: "10.0.0.1:1000" } });
      const own = it.register({ services: [service], endpoint: { address: "10.0.0.2:1000" } });
      await Promise.all([longer.registered, own.registered]);
      const watched = watchService(it, service);
      await watched.untilCurrent("10.0.0.2:1000");
      await longer.close();
      await own.close();
      await watched.untilCurrent();
      expect(watched.seen.flatMap(({ endpoints }) => endpoints.map(({ address }) => address))).not.toContain(
        "10.0.0.1:1000",
      );
    });

    test("an endpoint of which nothing is new is the same object, and one that is announced anew another", async () => {
      const [server, client] = [await registry(), await registry()];
      const service = freshService();
      const announce = (address: string) => server.register({ services: [service], endpoint: { address } });
      const [stays, comesBack] = [announce("10.0.0.1:1000"), announce("10.0.0.2:1000")];
      await Promise.all([stays.registered, comesBack.registered]);
      const watched = watchService(client, service);
      const byAddress = ({ endpoints }: Snapshot) => new Map(endpoints.map((endpoint) => [endpoint.address, endpoint]));
      const before = byAddress(await watched.untilCurrent("10.0.0.1:1000", "10.0.0.2:1000"));
      await comesBack.close();
      await watched.untilCurrent("10.0.0.1:1000");
      await announce("10.0.0.2:1000").registered;
      const after = byAddress(await watched.untilCurrent("10.0.0.1:1000", "10.0.0.2:1000"));
      expect(after.get("10.0.0.1:1000")).toBe(before.get("10.0.0.1:1000"));
      expect(after.get("10.0.0.2:1000")).not.toBe(before.get("10.0.0.2:1000"));
    });

    test("a second listener hears at once what is known", async () => {
      const it = await registry();
      const service = freshService();
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await watchService(it, service).untilCurrent("10.0.0.1:1000");
      expect(watchService(it, service).addresses).toEqual(["10.0.0.1:1000"]);
    });

    test("a listener that left hears no more, and the others do", async () => {
      const it = await registry();
      const service = freshService();
      const [leaves, stays] = [watchService(it, service), watchService(it, service)];
      await Promise.all([leaves.untilCurrent(), stays.untilCurrent()]);
      leaves.stop();
      leaves.stop();
      const heard = leaves.seen.length;
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await stays.untilCurrent("10.0.0.1:1000");
      expect(leaves.seen.length).toBe(heard);
    });

    test("a service can be resolved again after its last listener left", async () => {
      const it = await registry();
      const service = freshService();
      const first = watchService(it, service);
      await first.untilCurrent();
      first.stop();
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await watchService(it, service).untilCurrent("10.0.0.1:1000");
    });

    test("a listener that another one takes away, as both are told, is not told", async () => {
      const it = await registry();
      const service = freshService();
      let stop = (): void => {};
      it.resolve(service, ({ endpoints }) => endpoints.length > 0 && stop());
      const taken = watchService(it, service);
      stop = taken.stop;
      await taken.untilCurrent();
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await watchService(it, service).untilCurrent("10.0.0.1:1000");
      expect(taken.addresses).toEqual([]);
    });

    test("what a listener itself announces as it is told is the last that the others hear", async () => {
      const it = await registry();
      const service = freshService();
      const announce = (address: string) => it.register({ services: [service], endpoint: { address } });
      const seconds: Registration[] = [];
      it.resolve(service, ({ endpoints: [first, ...others] }) => {
        if (first !== undefined && others.length === 0) seconds.push(announce("10.0.0.2:1000"));
      });
      const other = watchService(it, service);
      await other.untilCurrent();
      await announce("10.0.0.1:1000").registered;
      await other.untilCurrent("10.0.0.1:1000", "10.0.0.2:1000");
      await Promise.all(seconds.map(({ registered }) => registered));
      expect(other.addresses).toEqual(["10.0.0.1:1000", "10.0.0.2:1000"]);
    });

    test("a listener that throws keeps no other from hearing", async () => {
      const it = await registry();
      const service = freshService();
      it.resolve(service, () => {
        throw new Error("a fault of the listener");
      });
      const watched = watchService(it, service);
      await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await watched.untilCurrent("10.0.0.1:1000");
    });

    test("is closed where `await using` ends", async () => {
      const [client, service] = [await registry(), freshService()];
      const watched = watchService(client, service);
      let closed: Registry;
      {
        await using it = await connect();
        closed = it;
        await it.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      }
      expect(() => closed.resolve(service, () => {})).toThrow("closed");
      watched.stop();
    });

    test("lists the services that have a server", async () => {
      const it = await registry();
      const [here, gone] = [freshService(), freshService()];
      await it.register({ services: [here], endpoint: { address: "10.0.0.1:1000" } }).registered;
      const registration = it.register({ services: [gone], endpoint: { address: "10.0.0.1:1000" } });
      await registration.registered;
      await registration.close();
      const services = await it.services();
      expect(services).toContain(here);
      expect(services).not.toContain(gone);
      expect(services).toEqual([...new Set(services)].sort());
    });

    test("who announces is told when the registry holds it, and when it is taken out", async () => {
      const it = await registry();
      const told: Fact[] = [];
      const announcement = { services: [freshService(), freshService()], endpoint: { address: "10.0.0.1:1000" } };
      const registration = it.register(announcement, createFacts({ observers: [(fact) => void told.push(fact)] }));
      await registration.registered;
      const { services } = announcement;
      expect(told).toMatchObject([{ kind: "registration-made", services, address: "10.0.0.1:1000" }]);
      await registration.close();
      await registration.close();
      expect(told.slice(1)).toMatchObject([{ kind: "registration-ended", services, address: "10.0.0.1:1000" }]);
    });

    test("of two servers that announce one address the later stands, and the earlier is back when it goes", async () => {
      const [first, second, client] = [await registry(), await registry(), await registry()];
      const service = freshService();
      const watched = watchService(client, service);
      const announce = (it: Registry, from: string) =>
        it.register({ services: [service], endpoint: { address: "10.0.0.1:1000", metadata: { from } } });
      const earlier = announce(first, "earlier");
      await earlier.registered;
      const later = announce(second, "later");
      await later.registered;
      const from = (who: string) =>
        watched.until(({ endpoints }) => endpoints.length === 1 && endpoints[0]?.metadata?.from === who);
      await from("later");
      await later.close();
      await from("earlier");
      await earlier.close();
      await watched.untilCurrent();
    });

    test("the earlier of two servers with one address does not take the later's entry away when it closes", async () => {
      const [first, second, client] = [await registry(), await registry(), await registry()];
      const service = freshService();
      const endpoint = { address: "10.0.0.1:1000" };
      const earlier = first.register({ services: [service], endpoint });
      await earlier.registered;
      await second.register({ services: [service], endpoint }).registered;
      const watched = watchService(client, service);
      await watched.untilCurrent("10.0.0.1:1000");
      await earlier.close();
      const marker = second.register({ services: [service], endpoint: { address: "10.0.0.2:1000" } });
      await marker.registered;
      await watched.untilCurrent("10.0.0.1:1000", "10.0.0.2:1000");
      expect(watched.seen.slice(1).every(({ endpoints }) => endpoints.length > 0)).toBe(true);
    });

    test("IPv6 addresses stand in brackets", async () => {
      const it = await registry();
      const service = freshService();
      await it.register({ services: [service], endpoint: { address: "[2001:db8::1]:50051" } }).registered;
      await watchService(it, service).untilCurrent("[2001:db8::1]:50051");
    });

    test("what cannot be announced is refused where it is announced", async () => {
      const it = await registry();
      const register = (service: string, address: string) => () =>
        it.register({ services: [service], endpoint: { address } });
      expect(register("a.B", "10.0.0.1")).toThrow('"10.0.0.1" is no address');
      expect(register("a.B", "10.0.0.1:0")).toThrow("its port is 0");
      expect(register("a.B", "10.0.0.1:65536")).toThrow('"10.0.0.1:65536" is no address');
      expect(register("a.B", "10.0.\u001b[2J.1:1")).toThrow('"10.0.\\u001b[2J.1:1" is no address');
      expect(register("a.B", "unix:/run/\u202egreeter.sock")).toThrow('"unix:/run/\\u202egreeter.sock" is no address');
      expect(register("a.B", `unix:/${"x".repeat(2_000)}`)).toThrow("is no address");
      expect(register("a.\u0007B", "10.0.0.1:1000")).toThrow('"a.\\u0007B" is no name of a service');
      expect(register("a/B", "10.0.0.1:1000")).toThrow('"a/B" is no name of a service');
      expect(register("", "10.0.0.1:1000")).toThrow('"" is no name of a service');
    });

    test("fifty servers that come and go leave exactly those that stayed", async () => {
      const [server, client] = [await registry(), await registry()];
      const service = freshService();
      const watched = watchService(client, service);
      const address = (i: number) => `10.0.1.${i}:1000`;
      const registrations = Array.from({ length: 50 }, (_, i) =>
        server.register({ services: [service], endpoint: { address: address(i) } }),
      );
      await Promise.all(registrations.map(({ registered }) => registered));
      await Promise.all(registrations.filter((_, i) => i % 2 === 1).map((each) => each.close()));
      await watched.untilCurrent(...registrations.flatMap((_, i) => (i % 2 === 0 ? [address(i)] : [])));
    });

    test("a registry that is closed takes its servers out, and refuses to be used", async () => {
      const [closes, client] = [await connect(), await registry()];
      const service = freshService();
      const watched = watchService(client, service);
      await closes.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } }).registered;
      await watched.untilCurrent("10.0.0.1:1000");
      const others = closes === client;
      await closes.close();
      await closes.close();
      if (!others) await watched.untilCurrent();
      expect(() => closes.resolve(service, () => {})).toThrow("closed");
      expect(() => closes.register({ services: [service], endpoint: { address: "10.0.0.1:1000" } })).toThrow("closed");
    });
  });
}

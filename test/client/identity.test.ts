import { type ClientTls, createChannel, createClient, createServer, type Server } from "trunkline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { memoryRegistry } from "../../src/registry/memory.ts";
import { checkIdentity } from "../../src/transport/server-identity.ts";
import { authority, serverTls } from "../support/certs.ts";
import { greetings } from "../support/greeter.ts";
import { wires } from "../support/wires.ts";

let server: Server;
let address = "";
beforeAll(async () => {
  server = createServer({ tls: serverTls });
  server.add(Greeter, greetings);
  // Its certificate is for localhost, 127.0.0.1 and ::1.
  address = await server.listen("127.0.0.1:0");
});
afterAll(() => server.close({ timeoutMs: 0 }));

describe.each(wires.filter(([name]) => name !== "memory"))("over %s", (_name, wire) => {
  const greeterOf = (tls: ClientTls, registry = listing("127.0.0.1")) => {
    const channel = createChannel({ registry: registry.registry, transport: wire(), tls: { ca: authority, ...tls } });
    return { greeter: createClient(Greeter, channel), [Symbol.asyncDispose]: () => channel.close() };
  };
  const serverName = "localhost";
  const identityOf: ClientTls["identityOf"] = ({ metadata }) => metadata?.identity;

  test("the server that the registry names is called", async () => {
    await using client = greeterOf({ serverName, identityOf });
    expect(await client.greeter.sayHello({ name: "Ada" })).toEqual({ message: "Hello Ada" });
  });

  test("another at its address is not, and the error names both", async () => {
    await using client = greeterOf({ serverName, identityOf }, listing("greeter-7.internal"));
    await expect(client.greeter.sayHello({})).rejects.toThrow(
      /its certificate is for localhost, 127\.0\.0\.1, .*, and not for greeter-7\.internal \(tls\.identityOf\)/,
    );
  });

  test("a name that the registry is right about does not stand for the one that is expected of all", async () => {
    await using client = greeterOf({ serverName: "greeter.internal", identityOf });
    await expect(client.greeter.sayHello({})).rejects.toThrow("greeter.internal");
  });

  test("once the registry says who is there now, it is called", async () => {
    const registry = listing("greeter-7.internal");
    await using client = greeterOf({ serverName, identityOf }, registry);
    await expect(client.greeter.sayHello({})).rejects.toThrow("greeter-7.internal");
    registry.say("localhost");
    await expect.poll(() => client.greeter.sayHello({}).catch(() => undefined), { timeout: 10_000 }).toBeDefined();
  });

  test("what is no name is a mistake of this side, and says so", async () => {
    await using client = greeterOf({ serverName, identityOf: () => 7 as never });
    await expect(client.greeter.sayHello({})).rejects.toThrow(
      `tls.identityOf gave a number for ${address}: give a name, or undefined for none`,
    );
  });
});

/** A registry that says who is at the server's address. */
function listing(identity: string) {
  const registry = memoryRegistry();
  const services = [Greeter.name];
  const announce = (who: string) => registry.register({ services, endpoint: { address, metadata: { identity: who } } });
  announce(identity);
  return { registry, say: announce };
}

test("a server is named letter by letter, by a URI too, and by no wildcard", () => {
  const names = "DNS:greeter.internal, DNS:*.greeter.internal, URI:spiffe://example/greeter/7";
  const check = (identity: string | undefined) =>
    checkIdentity("greeter.internal", identity, { subject: {}, subjectaltname: names } as never)?.message;
  expect(check(undefined)).toBeUndefined();
  expect(check("spiffe://example/greeter/7")).toBeUndefined();
  expect(check("spiffe://example/greeter/70")).toContain("and not for spiffe://example/greeter/70");
  expect(check("7.greeter.internal")).toContain("and not for 7.greeter.internal");
});

test("a name of one kind does not stand for the same of another", () => {
  const names =
    "DNS:greeter.internal, email:greeter-7.internal, DNS:spiffe://example/greeter/7, URI:10.0.0.7, IP Address:10.0.0.8";
  const check = (identity: string) =>
    checkIdentity("greeter.internal", identity, { subject: {}, subjectaltname: names } as never)?.message;
  for (const identity of ["greeter-7.internal", "spiffe://example/greeter/7", "10.0.0.7"]) {
    expect(check(identity)).toContain(`and not for ${identity}`);
  }
  expect(check("10.0.0.8")).toBeUndefined();
});

test("what is no function is refused", () => {
  const tls = { identityOf: "greeter" } as never;
  expect(() => createChannel({ endpoints: ["127.0.0.1:1"], tls })).toThrow("tls.identityOf is no function: give");
});

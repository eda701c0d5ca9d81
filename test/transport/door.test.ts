import { EventEmitter, once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createDoor, type DoorOptions } from "../../src/transport/door.ts";

let left: (() => unknown)[] = [];
afterEach(async () => {
  const all = left;
  left = [];
  for (const close of all) await close();
});

/** What the door says to so many connections, one after the other; `leave` closes the last. */
async function knocking(options: DoorOptions) {
  const door = createDoor(options);
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  left.push(() => server.close());
  const { port } = server.address() as { port: number };
  return async (): Promise<{ said: string | undefined; leave: () => Promise<unknown> }> => {
    const client = connect(port, "127.0.0.1");
    left.push(() => client.destroy());
    const [socket] = (await once(server, "connection")) as [Socket];
    const said = door(socket);
    const leave = (): Promise<unknown> => {
      const closed = once(socket, "close");
      socket.destroy();
      return closed;
    };
    return { said, leave };
  };
}

test("no more connections come in than there may be, until one is closed", async () => {
  const knock = await knocking({ maxConnections: 2 });
  const { said, leave } = await knock();
  expect(said).toBeUndefined();
  expect((await knock()).said).toBeUndefined();
  expect((await knock()).said).toBe("2 connections are open");
  await leave();
  expect((await knock()).said).toBeUndefined();
});

test("one address has no more than its share", async () => {
  const knock = await knocking({ maxConnections: 10, maxConnectionsPerAddress: 1 });
  const { leave } = await knock();
  expect((await knock()).said).toBe("1 connections of its address are open");
  await leave();
  expect((await knock()).said).toBeUndefined();
});

test("file descriptors are kept back", async () => {
  const knock = await knocking({ mostDescriptors: 4 });
  expect((await knock()).said).toBe(
    "the process has few file descriptors left: raise its limit (ulimit -n), or lower maxConnections",
  );
});

test("by default one address has no more than half of the file descriptors", () => {
  const door = createDoor({ mostDescriptors: 128 });
  const said = Array.from({ length: 60 }, () => door(from("192.0.2.1")));
  expect(said.filter((each) => each === undefined)).toHaveLength(48);
  expect(door(from("192.0.2.2"))).toBeUndefined();
});

test("an IPv6 network of 64 bits counts as one address, and so does IPv4 in its clothes", () => {
  const door = createDoor({ maxConnectionsPerAddress: 2 });
  const said = Array.from({ length: 10 }, (_, i) => door(from(`2001:db8:1:2::${i.toString(16)}`)));
  expect(said.filter((each) => each === undefined)).toHaveLength(2);
  expect(door(from("2001:db8:1:3::1"))).toBeUndefined();
  expect(door(from("192.0.2.1"))).toBeUndefined();
  expect(door(from("::ffff:192.0.2.1"))).toBeUndefined();
  expect(door(from("192.0.2.1"))).toBe("2 connections of its address are open");
});

test.each(["::1", "127.0.0.1", "::ffff:127.0.0.1"])("%s has no limit of its own", (address) => {
  const door = createDoor({ maxConnections: 4 });
  for (let i = 0; i < 4; i++) expect(door(from(address))).toBeUndefined();
});

/** A connection as far as the door looks at it: no machine has so many addresses. */
function from(remoteAddress: string): Socket {
  return Object.assign(new EventEmitter(), { remoteAddress }) as never;
}

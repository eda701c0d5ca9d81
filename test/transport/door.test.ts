import { once } from "node:events";
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
  expect((await knock()).said).toBe("the process has few file descriptors left");
});

import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createChannel, createClient, createServer, tlsFiles } from "trunkline";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import type { ClientTls, ServerTls } from "../../src/core/transport.ts";
import {
  authority,
  clientCertificate,
  nextAuthority,
  nextClientCertificate,
  nextServerTls,
  serverTls,
} from "../support/certs.ts";
import { greetings } from "../support/greeter.ts";
import { createLog } from "../support/log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "trunkline-tls-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const certFile = () => join(folder, "tls.crt");
const keyFile = () => join(folder, "tls.key");
const caFile = () => join(folder, "ca.crt");
const all = () => ({ certFile: certFile(), keyFile: keyFile(), caFile: caFile() });

function write({ cert, key, ca = authority }: ClientTls | ServerTls, into = folder): void {
  writeFileSync(join(into, "tls.crt"), cert as string);
  writeFileSync(join(into, "tls.key"), key as string);
  writeFileSync(join(into, "ca.crt"), ca);
}

/** As a kubelet lays out a mounted secret: links to what is in `..data`, which is a link that is turned in one step. */
function mount(tls: ServerTls, version: string): void {
  const isFirst = version === "1";
  const data = join(folder, `..${version}`);
  mkdirSync(data);
  write(tls, data);
  symlinkSync(`..${version}`, join(folder, "..data_tmp"));
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  if (isFirst)
    for (const name of ["tls.crt", "tls.key", "ca.crt"]) symlinkSync(join("..data", name), join(folder, name));
}

/** A server by the files, without mutual TLS, and what asks it by a new connection. */
async function serving() {
  const log = createLog();
  const server = createServer({ tls: tlsFiles({ certFile: certFile(), keyFile: keyFile() }), logger: log });
  const address = await server.add(Greeter, greetings).listen("localhost:0");
  const asked = async (ca: string) => {
    const channel = createChannel({ endpoints: [address], tls: { ca } });
    try {
      return (await createClient(Greeter, channel).sayHello({ name: "you" })).message;
    } finally {
      await channel.close();
    }
  };
  return { server, log, asked, [Symbol.asyncDispose]: () => server.close() };
}

test("a mounted secret that is turned to a new version is taken up by new connections", async () => {
  mount(serverTls, "1");
  await using here = await serving();
  await here.asked(authority);
  mount(nextServerTls, "2");
  rmSync(join(folder, "..1"), { recursive: true });
  await here.asked(nextAuthority);
  await expect(here.asked(authority)).rejects.toThrow("not signed by a trusted authority");
  expect(here.log.of("info").map(({ message }) => message)).toContain(
    "new TLS options are taken up: new connections use them",
  );
  expect(here.log.of()).toEqual([]);
});

test("while a certificate and its key are written one after the other, what was there goes on, and nobody is warned", async () => {
  write(serverTls);
  await using here = await serving();
  writeFileSync(certFile(), (nextServerTls.cert as string).slice(0, 200));
  await here.asked(authority);
  writeFileSync(certFile(), nextServerTls.cert);
  await here.asked(authority);
  writeFileSync(keyFile(), nextServerTls.key);
  await here.asked(nextAuthority);
  expect(here.log.of()).toEqual([]);
});

test("a pair that does not belong together, and then a file that has gone, are told once each, and what was there goes on", async () => {
  write(serverTls);
  await using here = await serving();
  writeFileSync(keyFile(), nextServerTls.key);
  const warning = "new TLS options are not taken up: those from before go on being used";
  await here.log.until(warning);
  await here.asked(authority);
  unlinkSync(keyFile());
  await expect.poll(() => here.log.of("warn").length, { timeout: 20_000 }).toBe(2);
  await here.asked(authority);
  const [pair, gone] = here.log.of("warn");
  expect(pair).toMatchObject({
    message: warning,
    fields: { reason: expect.stringContaining("tls.key does not belong to tls.cert") },
  });
  expect(gone).toMatchObject({
    message: warning,
    fields: { reason: expect.stringMatching(/^keyFile .*tls\.key cannot be read: ENOENT/) },
  });
  write(nextServerTls);
  await here.asked(nextAuthority);
});

test("what is written within one tick of the clock, at the same length, is seen", () => {
  writeFileSync(caFile(), "one");
  const files = tlsFiles({ caFile: caFile() });
  for (let i = 0; i < 200; i++) {
    writeFileSync(caFile(), `${100 + i}`);
    expect(Buffer.from(files().ca as Uint8Array).toString()).toBe(`${100 + i}`);
  }
});

test("when nothing was written, the same object is given and nothing is read", async () => {
  write(clientCertificate);
  const files = tlsFiles({ ...all(), serverName: "localhost" });
  const isKept = () => {
    const before = files();
    return files() === before;
  };
  await expect.poll(isKept).toBe(true);
  expect(files()).toMatchObject({ serverName: "localhost" });
});

test("both sides of mutual TLS come from files, and a channel says when its certificate ends", async () => {
  write({ ...serverTls, ca: authority });
  const server = createServer({ tls: tlsFiles(all()) });
  const address = await server.add(Greeter, greetings).listen("localhost:0");
  const own = mkdtempSync(join(folder, "client-"));
  write(clientCertificate, own);
  const files = { certFile: join(own, "tls.crt"), keyFile: join(own, "tls.key"), caFile: join(own, "ca.crt") };
  const channel = createChannel({ endpoints: [address], tls: tlsFiles(files) });
  const client = createClient(Greeter, channel);
  await client.sayHello({ name: "you" });
  expect(channel.certificateExpiresAt?.getUTCFullYear()).toBe(2120);
  expect(server.certificateExpiresAt?.getUTCFullYear()).toBe(2120);
  write(nextClientCertificate, own);
  await client.sayHello({ name: "you" });
  await channel.close();
  await server.close();
});

test("files that cannot be read are an error at once, which names the option and the file", () => {
  const nowhere = { certFile: "/nowhere/tls.crt", keyFile: "/nowhere/tls.key" };
  expect(() => createServer({ tls: tlsFiles(nowhere) })).toThrow(
    /^certFile \/nowhere\/tls\.crt cannot be read: ENOENT/,
  );
  expect(() => createChannel({ endpoints: ["a:1"], tls: tlsFiles(nowhere) })).toThrow("certFile /nowhere/tls.crt");
  expect(() => tlsFiles({ cert: "x" } as never)).toThrow('tlsFiles has no option "cert": did you mean certFile?');
  expect(() => tlsFiles({ certFile: 5 } as never)).toThrow("certFile is a number: give the path of a file");
});

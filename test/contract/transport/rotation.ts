import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Code } from "../../../src/core/code.ts";
import type { RpcError } from "../../../src/core/rpc-error.ts";
import type { ClientTls, ServerTls } from "../../../src/core/transport.ts";
import {
  authority,
  clientCertificate,
  mutualTls,
  nextAuthority,
  nextClientCertificate,
  nextServerTls,
  serverTls,
} from "../../support/certs.ts";
import { echo, failure, payload, reply, type World, watch } from "./world.ts";

const either = authority + nextAuthority;

/** Certificates, keys and authorities that change while they are used. */
export function rotation(world: () => World): void {
  async function serve(tls: () => ServerTls, options: { readonly maxConnectionAgeMs?: number } = {}) {
    const here = world();
    const callers: (string | undefined)[] = [];
    const answers = {
      echo(one: { request: unknown; caller?: { tls?: { subject: { CN?: unknown } } } | undefined }) {
        callers.push(one.caller?.tls?.subject.CN as string | undefined);
        return reply(one.request);
      },
    };
    const { address } = await here.serve(answers, { tls, ...options });
    return { here, address, callers };
  }

  test("a server's new certificate is shown to new connections, and those that are open live on", async () => {
    let tls = serverTls;
    const { here, address } = await serve(() => tls);
    const before = here.dial(address, { tls: { ca: authority } });
    await echo(before);
    tls = nextServerTls;
    await echo(here.dial(address, { tls: { ca: nextAuthority } }));
    expect((await echo(before)).response).toEqual(payload("hello"));
    const error = await failure(echo(here.dial(address, { tls: { ca: authority }, connectTimeoutMs: 10_000 })));
    expect(error.message).toContain("not signed by a trusted authority");
  });

  test("a server goes on with the certificate that it has while it is given one with another's key", async () => {
    let tls = serverTls;
    const { here, address } = await serve(() => tls);
    const good = { tls: { ca: authority } };
    for (const wrong of [
      { cert: nextServerTls.cert, key: serverTls.key },
      { cert: "", key: "" },
      { ...serverTls, ca: authority },
      "a promise" as never,
    ]) {
      tls = wrong;
      await echo(here.dial(address, good));
    }
    tls = nextServerTls;
    await echo(here.dial(address, { tls: { ca: nextAuthority } }));
  });

  test("a client's next connection shows its new certificate", async () => {
    const { here, address, callers } = await serve(() => ({ ...mutualTls, ca: either }));
    const link = await here.cuttable(address);
    let certificate = clientCertificate;
    const { changed, until } = watch();
    const peer = here.dial(link.address, { tls: () => ({ ca: authority, ...certificate }), changed });
    await echo(peer);
    certificate = nextClientCertificate;
    await echo(peer);
    link.cut();
    await until(() => !peer.ready);
    await echo(peer);
    certificate = { cert: nextClientCertificate.cert as string, key: clientCertificate.key as string };
    link.cut();
    await until(() => !peer.ready);
    await echo(peer);
    expect(callers).toEqual(["a client", "a client", "a renewed client", "a renewed client"]);
  });

  test("a client trusts the authority that has come, and no longer the one that has gone", async () => {
    let tls: ClientTls = { ca: authority };
    const { here, address } = await serve(() => nextServerTls);
    const { changed, until } = watch();
    const peer = here.dial(address, { tls: () => tls, changed });
    await until(() => peer.state === "failed");
    tls = { ca: nextAuthority };
    await until(() => peer.ready);
    await echo(peer);
    tls = { ca: authority };
    const error = await failure(echo(here.dial(address, { tls: () => tls, connectTimeoutMs: 10_000 })));
    expect(error.message).toContain("not signed by a trusted authority");
  });

  test("a server lets nobody in by the authority that has gone, nor by a session that began with it", async () => {
    let tls: ServerTls = { ...mutualTls, ca: either };
    const { here, address, callers } = await serve(() => tls);
    const of = (certificate: ClientTls) => ({ tls: { ca: authority, ...certificate }, connectTimeoutMs: 10_000 });
    const before = here.dial(address, of(clientCertificate));
    await echo(before);
    tls = { ...mutualTls, ca: nextAuthority };
    await echo(here.dial(address, of(nextClientCertificate)));
    await echo(before);
    await before.close();
    const error = await failure(echo(here.dial(address, of(clientCertificate))));
    expect(error).toMatchObject({ code: Code.UNAVAILABLE, unprocessed: true });
    expect(callers).toEqual(["a client", "a renewed client", "a client"]);
  });

  test("certificates, keys and authorities of both sides change under load, and no call is lost", async () => {
    let server: ServerTls = { ...serverTls, ca: authority };
    let client: ClientTls = { ca: authority, ...clientCertificate };
    // As it is done: both authorities are trusted first, then what is shown changes, then the old one goes.
    const steps = [
      () => {
        server = { ...server, ca: either };
        client = { ...client, ca: either };
      },
      () => {
        server = { ...nextServerTls, ca: either };
      },
      () => {
        client = { ca: either, ...nextClientCertificate };
      },
      () => {
        server = { ...nextServerTls, ca: nextAuthority };
        client = { ca: nextAuthority, ...nextClientCertificate };
      },
    ];
    const { here, address, callers } = await serve(() => server, { maxConnectionAgeMs: 300 });
    const { changed, until } = watch();
    let connections = 0;
    const peer = here.dial(address, {
      tls: () => client,
      changed() {
        if (peer.ready) connections++;
        changed();
      },
    });
    await echo(peer);
    const calls: Promise<unknown>[] = [];
    // A call that no server has looked at is nobody's loss: a channel sends it again, free.
    const sent = (): Promise<unknown> =>
      echo(peer).catch((error: RpcError) => (error.unprocessed ? sent() : Promise.reject(error)));
    let over = false;
    const loading = (async () => {
      for (; !over; await sleep(5)) for (let i = 0; i < 4; i++) calls.push(sent());
    })();
    for (const step of steps) {
      step();
      const seen = connections;
      await until(() => connections >= seen + 2);
    }
    over = true;
    await loading;
    expect((await Promise.allSettled(calls)).filter(({ status }) => status === "rejected")).toEqual([]);
    expect(callers.length).toBe(calls.length + 1);
    expect(new Set(callers)).toEqual(new Set(["a client", "a renewed client"]));
  });
}

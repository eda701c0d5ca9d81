import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setPriority } from "node:os";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { createChannel } from "../../src/client/channel.ts";
import { createClient } from "../../src/client/client.ts";
import { createServer } from "../../src/server/server.ts";
import { beginMessages } from "../support/begun-messages.ts";

const MIB = 1024 * 1024;
const [role = "measure", address = ""] = process.argv.slice(2);
const connections = Number(process.env.CONNECTIONS ?? 100);
const seconds = Number(process.env.SECONDS ?? 30);

/**
 * Strangers that each begin 1,000 messages of 4 MiB and send 120 KiB of every one, against a server with its defaults,
 * each in a process of its own: `npx node --conditions=@trunkline/source test/faults/memory.ts`. Prints what the server
 * held at most, and the calls that a client beside them made, without them and with.
 */
async function measure(): Promise<void> {
  const server = fork(import.meta.filename, ["serve"]);
  const [bound] = (await once(server, "message")) as [string];
  const channel = createChannel({ endpoints: [bound] });
  const probe = createClient(Probe, channel);
  const load = async (): Promise<{ perSecond: number; failed: number; slowestMs: number }> => {
    const until = performance.now() + seconds * 1000;
    let calls = 0;
    let failed = 0;
    let slowestMs = 0;
    const one = async (): Promise<void> => {
      while (performance.now() < until) {
        const began = performance.now();
        await probe.echo({ text: "hello" }, { timeoutMs: 5000 }).catch(() => failed++);
        calls++;
        slowestMs = Math.max(slowestMs, performance.now() - began);
      }
    };
    await Promise.all(Array.from({ length: 10 }, one));
    return { perSecond: Math.round(calls / seconds), failed, slowestMs: Math.round(slowestMs) };
  };
  await probe.echo({ text: "hello" });
  const alone = await load();
  const attacker = fork(import.meta.filename, ["attack", bound]);
  // Strangers bring their own machines.
  setPriority(attacker.pid as number, 19);
  const beside = await load();
  const [told] = (await Promise.all([once(attacker, "message"), attacker.send("tell")]))[0] as [object];
  const part = (beside.perSecond / alone.perSecond).toFixed(2);
  console.log({ alone, beside, part, attackers: told, mostResidentMiB: peakMiB(server.pid as number) });
  await channel.close();
  attacker.kill();
  server.kill();
}

function peakMiB(pid: number): number {
  const kib = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Math.round(Number(kib) / 1024);
}

async function serve(): Promise<void> {
  const server = createServer();
  server.add(Probe, {
    echo: (request) => request,
    expand: async function* () {},
    collect: () => ({ count: 0, bytes: 0n }),
    converse: (requests) => requests,
  });
  process.send?.(await server.listen("127.0.0.1:0"));
}

function attack(): void {
  const path = Probe.methods.echo.path;
  const options = { path, messages: 1000, claimedBytes: 4 * MIB - 64, sentBytes: 120 * 1024 };
  const all = Array.from({ length: connections }, () => beginMessages(address, options));
  const ends: Record<string, number> = {};
  for (const each of all) void each.ended.then((why) => (ends[why] = (ends[why] ?? 0) + 1));
  process.once("message", () => {
    const sentMiB = Math.round(all.reduce((sum, { sent }) => sum + sent, 0) / MIB);
    process.send?.({ connections, sentMiB, ends });
  });
}

await { measure, serve, attack }[role as "measure"]();

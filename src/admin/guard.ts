import { createHash, timingSafeEqual } from "node:crypto";
import type { Caller, Interceptor } from "../core/call.ts";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import { type LooksAtServed, SERVED } from "../core/served.ts";

/** Lets in who brings one of the tokens as `authorization: Bearer …`. */
export function byToken(tokens: readonly string[]): Interceptor {
  const known = tokens.map(digest);
  return (next) => (call) => {
    const given = /^bearer (.+)$/i.exec(call.metadata?.get("authorization") ?? "")?.[1];
    const found = given === undefined ? undefined : digest(given);
    // All are compared, each in a time that does not depend on what it is compared with.
    const fits = found !== undefined && known.filter((each) => timingSafeEqual(each, found)).length > 0;
    return fits ? next(call) : Promise.reject(new RpcError(Code.UNAUTHENTICATED, "the token is missing or wrong"));
  };
}

/**
 * Lets in callers of this machine, and keeps a server from listening where others can reach it: behind a proxy of this
 * machine they would look like callers of it.
 */
export function byLoopback(): Interceptor {
  const guard: Interceptor & LooksAtServed = Object.assign(
    ((next) => (call) => {
      if (isHere(call.caller)) return next(call);
      return Promise.reject(new RpcError(Code.PERMISSION_DENIED, "callers of this machine alone are let in"));
    }) satisfies Interceptor,
    {
      [SERVED](_methods: unknown, _facts: unknown, address: string) {
        if (isLoopback(address)) return;
        throw new Error(
          `trunkline.admin.v1.Admin asks for no credential, and ${address} can be reached from other machines: ` +
            'give serveAdmin a token or a guard, or listen on "127.0.0.1"',
        );
      },
    },
  );
  return guard;
}

function isHere(caller: Caller | undefined): boolean {
  return caller === undefined || isLoopback(caller.address);
}

/** @param address `host:port`, `[::1]:port` or of a Unix socket, which only this machine has */
function isLoopback(address: string): boolean {
  return /^(127(\.\d+){3}|localhost|\[(::1|::ffff:127(\.\d+){3})\]):\d+$/.test(address) || address.startsWith("unix");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

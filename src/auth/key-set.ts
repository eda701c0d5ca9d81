import type { JSONWebKeySet, JWTVerifyGetKey } from "jose";
import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";
import { elapsedMs } from "./elapsed.ts";

/** What jose is asked for, which is loaded when the first token comes. */
export type Jose = typeof import("jose");

/** Milliseconds until a set is fetched anew, while what is there goes on to be used. */
const REFRESH_MS = 600_000;
/** Milliseconds between two looks for a key that the set does not have, or for a set that could not be had. */
const LOOK_AGAIN_MS = 30_000;
/** The same where there is no set yet. */
const TRY_AGAIN_MS = 1_000;
const FETCH_TIMEOUT_MS = 5_000;
const MOST_BYTES = 1024 * 1024;

/**
 * The keys of an issuer, at a URL. They are fetched when the first token comes, every ten minutes, and when a token names a
 * key that is not among them, though no more than twice a minute. While they cannot be had, those that were there last hold.
 * @param now in milliseconds
 * @throws TypeError for what is no URL, for http to anything but this machine, and for a login in it
 */
export function remoteKeys(source: string | URL, now: () => number): (jose: Jose) => JWTVerifyGetKey {
  const url = secureUrl(source);
  let keys: ReturnType<Jose["createLocalJWKSet"]> | undefined;
  let askedMs = Number.NEGATIVE_INFINITY;
  let freshSinceMs = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  function fetchAnew(jose: Jose): Promise<void> {
    askedMs = now();
    fetching ??= fetchSet(url)
      .then((set) => {
        keys = jose.createLocalJWKSet(set);
        freshSinceMs = now();
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  return (jose) => async (header, token) => {
    const timeMs = now();
    const sinceMs = elapsedMs(askedMs, timeMs);
    if (keys === undefined) {
      if (fetching === undefined && sinceMs < TRY_AGAIN_MS) throw noKeys();
      await (fetching ?? fetchAnew(jose)).catch((cause) => Promise.reject(noKeys(cause)));
    } else if (elapsedMs(freshSinceMs, timeMs) >= REFRESH_MS && sinceMs >= LOOK_AGAIN_MS) {
      fetchAnew(jose).catch(() => {});
    }
    if (keys === undefined) throw noKeys();
    try {
      return await keys(header, token);
    } catch (error) {
      const isNew = error instanceof jose.errors.JWKSNoMatchingKey;
      if (!isNew || (fetching === undefined && elapsedMs(askedMs, now()) < LOOK_AGAIN_MS)) throw error;
      await (fetching ?? fetchAnew(jose)).catch(() => {});
      return keys(header, token);
    }
  };
}

/** That they cannot be had is this server's trouble, and says nothing of the caller. */
function noKeys(cause?: unknown): RpcError {
  return new RpcError(Code.UNAVAILABLE, "who calls cannot be found out now", { cause });
}

function secureUrl(source: string | URL): URL {
  const url = URL.parse(String(source));
  // The URL is not shown: it has a password.
  if (url?.username || url?.password) throw new TypeError("the URL of jwks has a login, which no issuer asks for");
  const isOwn = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url?.protocol === "https:" || (url?.protocol === "http:" && isOwn)) return url;
  throw new TypeError("jwks is no https: URL: give the address of the issuer's JSON Web Key Set, or the set itself");
}

async function fetchSet(url: URL): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const answer = await fetch(url, {
    signal,
    redirect: "error",
    headers: { accept: "application/jwk-set+json, application/json" },
  });
  if (!answer.ok || answer.body === null) {
    await answer.body?.cancel();
    throw new Error(`the key set was answered with ${answer.status}`);
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of answer.body) {
    bytes += part.length;
    if (bytes > MOST_BYTES) throw new Error(`the key set has more than ${MOST_BYTES} bytes`);
    parts.push(part);
  }
  return JSON.parse(Buffer.concat(parts).toString()) as JSONWebKeySet;
}

import { hash, type KeyObject } from "node:crypto";
import type { JSONWebKeySet, JWTPayload, JWTVerifyGetKey } from "jose";
import { atLeast, checkRanges, numberFrom } from "../core/number-range.ts";
import { checkKinds, listOfText } from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import type { Authenticate, Identity } from "./identity.ts";
import { type Jose, remoteKeys } from "./key-set.ts";
import { createTokenCache } from "./token-cache.ts";
import { type JsonWebKey, verificationKey } from "./verification-key.ts";

export interface JwtOptions {
  /** The issuer's keys: the https URL of its JSON Web Key Set (http on this machine only), or the set itself. */
  readonly jwks?: string | URL | { readonly keys: readonly JsonWebKey[] } | undefined;
  /**
   * One key in place of a set: a public key or a certificate in PEM, as text or as the bytes of the file, a JSON Web Key, a
   * KeyObject, or the bytes of a secret.
   */
  readonly key?: string | Uint8Array | KeyObject | JsonWebKey | undefined;
  /** Who may have issued a token: its `iss`. */
  readonly issuer: string | readonly string[];
  /** For whom it must be: its `aud`. */
  readonly audience: string | readonly string[];
  /** How it may be signed; with a secret HS256, HS384 and HS512 by default, else all of RSA, ECDSA and EdDSA. */
  readonly algorithms?: readonly string[] | undefined;
  /** Seconds by which the clocks of issuer and server may differ; 5 by default. */
  readonly clockToleranceSeconds?: number | undefined;
  /** What a caller has been granted; by default what its `scope` lists (RFC 8693), or its `scp`. */
  readonly scopesOf?: ((claims: Readonly<Record<string, unknown>>) => Iterable<string>) | undefined;
  /** Tokens that are remembered, so that none is verified twice; 10,000 by default. */
  readonly maxCachedTokens?: number | undefined;
  /** The time in milliseconds, for tests; the system's by default. */
  readonly now?: (() => number) | undefined;
}

const names: OptionNames<JwtOptions> = {
  jwks: true,
  key: true,
  issuer: true,
  audience: true,
  algorithms: true,
  clockToleranceSeconds: true,
  scopesOf: true,
  maxCachedTokens: true,
  now: true,
};

const PUBLIC_KEY_ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" ");
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const BEARER = /^bearer +(\S+)$/i;

/**
 * Knows callers by a JSON Web Token in the metadata: `authorization: Bearer …`. It must be signed by a key of the issuer,
 * be for this audience, have a subject, and have a time at which it ends that has not come. The signature of one token is
 * verified once; that is remembered until the token ends, and for five minutes at most, so that a key that is withdrawn
 * counts no longer than that.
 *
 * ```ts
 * auth(jwt({ jwks: "https://id.example/.well-known/jwks.json", issuer: "https://id.example", audience: "orders" }))
 * ```
 *
 * It needs the package `jose`. https://www.rfc-editor.org/rfc/rfc8725 is what it holds to.
 * @throws TypeError for a key that is none, for a set and a key together, and for neither
 */
export function jwt(options: JwtOptions): Authenticate {
  checkNames(options, names, "jwt");
  checkRanges(options, { clockToleranceSeconds: numberFrom(0), maxCachedTokens: atLeast(0) });
  const { issuer, audience, clockToleranceSeconds = 5, scopesOf = scopesIn, maxCachedTokens = 10_000 } = options;
  checkNamed(issuer, "issuer");
  checkNamed(audience, "audience");
  checkKinds(options, { algorithms: listOfText });
  const issuers = [issuer].flat();
  const { keyFrom, isSecret } = keyOf(options);
  const { algorithms = isSecret ? SECRET_ALGORITHMS : PUBLIC_KEY_ALGORITHMS, now = Date.now } = options;
  const cache = createTokenCache<Identity>(maxCachedTokens, now);

  async function verify(token: string): Promise<{ value: Identity; untilMs: number }> {
    const jose = await loaded();
    // Known to nobody yet, but enough to see that its keys need not be looked for: it may be another way's.
    if (!issuers.includes(String(jose.decodeJwt(token).iss))) throw new Error("it is a token of another issuer");
    const claims = await claimsOf(jose, token, keyFrom(jose), {
      issuer: issuers,
      audience: [audience].flat(),
      algorithms: [...algorithms],
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ["exp", "sub"],
      currentDate: new Date(now()),
    });
    const { sub = "", iss, exp = 0 } = claims;
    const value = { subject: sub, issuer: iss, scopes: new Set(scopesOf(claims)), claims };
    return { value, untilMs: (exp + clockToleranceSeconds) * 1_000 };
  }

  return ({ metadata }) => {
    const given = metadata.getAll("authorization");
    if (given.length === 0) return undefined;
    const [, token] = BEARER.exec(String(given[0])) ?? [];
    // Another scheme may be another way's.
    if (token === undefined) return undefined;
    if (given.length > 1) throw new Error("authorization was given more than once");
    return cache.get(hash("sha256", token, "base64"), () => verify(token));
  };
}

type VerifyOptions = Parameters<Jose["jwtVerify"]>[2];

async function claimsOf(jose: Jose, token: string, key: JWTVerifyGetKey, options: VerifyOptions): Promise<JWTPayload> {
  try {
    return (await jose.jwtVerify(token, key, options)).payload;
  } catch (error) {
    // A token need not name its key: each that could be it is tried.
    if (!(error instanceof jose.errors.JWKSMultipleMatchingKeys)) throw error;
    for await (const each of error) {
      try {
        return (await jose.jwtVerify(token, each, options)).payload;
      } catch (failed) {
        if (!(failed instanceof jose.errors.JWSSignatureVerificationFailed)) throw failed;
      }
    }
    throw new jose.errors.JWSSignatureVerificationFailed();
  }
}

let jose: Promise<Jose> | undefined;

function loaded(): Promise<Jose> {
  jose ??= import("jose").catch((cause) => {
    jose = undefined;
    throw new Error("jwt() needs a package that is not there: npm install jose", { cause });
  });
  return jose;
}

/** `scope` is a text of scopes with spaces between; some issuers have a list, or call it `scp`. */
function scopesIn({ scope, scp }: Readonly<Record<string, unknown>>): readonly string[] {
  const given = scope ?? scp;
  if (typeof given === "string") return given.split(" ").filter(Boolean);
  return Array.isArray(given) ? given.filter((each): each is string => typeof each === "string") : [];
}

interface Keys {
  readonly isSecret: boolean;
  keyFrom(jose: Jose): JWTVerifyGetKey;
}

function keyOf({ jwks, key, now = Date.now }: JwtOptions): Keys {
  if ((jwks === undefined) === (key === undefined)) {
    throw new TypeError("jwt wants to know the issuer's keys: jwks, the set or its URL, or key");
  }
  if (typeof jwks === "string" || jwks instanceof URL) return { isSecret: false, keyFrom: remoteKeys(jwks, now) };
  if (jwks !== undefined) return { isSecret: false, keyFrom: localKeys(jwks) };
  const given = verificationKey(key as NonNullable<JwtOptions["key"]>);
  return { isSecret: given.type === "secret", keyFrom: () => async () => given };
}

function localKeys(set: { readonly keys: readonly JsonWebKey[] }): (jose: Jose) => JWTVerifyGetKey {
  if (!Array.isArray(set.keys)) throw new TypeError('jwks is no JSON Web Key Set: { "keys": [ … ] }');
  let made: JWTVerifyGetKey | undefined;
  return ({ createLocalJWKSet }) => {
    made ??= createLocalJWKSet(set as unknown as JSONWebKeySet);
    return made;
  };
}

function checkNamed(given: unknown, name: string): void {
  const all: unknown[] = [given].flat();
  if (all.length > 0 && all.every((each) => typeof each === "string" && each !== "")) return;
  throw new TypeError(`jwt wants to know the ${name} of its tokens: a text, or a list of them`);
}

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export const issuer = "https://id.example";
export const audience = "orders";

export interface Signed {
  readonly claims?: Record<string, unknown>;
  readonly subject?: string;
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds of Unix time. */
  readonly expires?: number | undefined;
}

/** Signs tokens by a key of its own, as an issuer does. */
export interface Issuer {
  readonly keyId: string;
  readonly jwk: JWK;
  readonly privateKey: CryptoKey;
  sign(token?: Signed): Promise<string>;
}

export async function createIssuer(keyId = "one", algorithm = "ES256"): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: "sig" };
  return {
    keyId,
    jwk,
    privateKey,
    sign(token = {}) {
      const signed = new SignJWT(token.claims ?? { scope: "orders:read orders:write" })
        .setProtectedHeader({ alg: algorithm, kid: keyId })
        .setIssuer(token.issuer ?? issuer)
        .setAudience(token.audience ?? audience);
      if (token.subject !== "") signed.setSubject(token.subject ?? "ada");
      if (!("expires" in token)) signed.setExpirationTime("10 minutes");
      else if (token.expires !== undefined) signed.setExpirationTime(token.expires);
      return signed.sign(privateKey);
    },
  };
}

export interface KeySetServer extends AsyncDisposable {
  readonly url: string;
  keys: readonly JWK[];
  /** What it answers in place of its keys. */
  instead: { readonly status: number; readonly body: string } | undefined;
  asked: number;
}

/** Serves a JSON Web Key Set, as an issuer does. */
export async function serveKeySet(...keys: readonly JWK[]): Promise<KeySetServer> {
  const set: KeySetServer = {
    url: "",
    keys,
    instead: undefined,
    asked: 0,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  const server = createServer((_request, response) => {
    set.asked++;
    const { status, body } = set.instead ?? { status: 200, body: JSON.stringify({ keys: set.keys }) };
    response.writeHead(status, { "content-type": "application/json" }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(set, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys` });
}

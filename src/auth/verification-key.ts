import { createPublicKey, createSecretKey, KeyObject, X509Certificate } from "node:crypto";
import { isObject } from "../core/json-object.ts";

/** A JSON Web Key, as RFC 7517 has it. */
export type JsonWebKey = Readonly<Record<string, unknown>>;

/** What signatures can be verified by, in every form in which it may be given. */
export type GivenKey = string | Uint8Array | KeyObject | JsonWebKey;

/** RFC 7518, 3.2: no shorter than what the hash gives. */
const LEAST_SECRET_BYTES = 32;
const isPrivate = "key is a private key: a server that verifies needs the public one";

/** @throws TypeError for a private key, a short secret, a public key that would be taken for a secret, and what is no key */
export function verificationKey(given: GivenKey): KeyObject {
  const key = keyObject(given);
  if (key.type === "private") throw new TypeError(isPrivate);
  if (key.type !== "secret") return key;
  const secret = key.export();
  if (secret.length < LEAST_SECRET_BYTES) {
    throw new TypeError(`key is a secret of fewer than ${LEAST_SECRET_BYTES} bytes: give a longer one`);
  }
  // Everybody has it: whoever signs with its bytes, as with a secret, would be believed.
  if (isPublic(secret)) {
    throw new TypeError(
      "key is the bytes of a public key, and no secret: give it as PEM, a JSON Web Key or a KeyObject",
    );
  }
  return key;
}

function keyObject(given: GivenKey): KeyObject {
  if (given instanceof KeyObject) return given;
  if (given instanceof Uint8Array) {
    const text = Buffer.from(given).toString("latin1");
    return isPem(text) ? keyObject(text) : createSecretKey(given);
  }
  if (typeof given === "string" && /PRIVATE KEY/.test(given)) throw new TypeError(isPrivate);
  try {
    return createPublicKey(typeof given === "string" ? given : { key: given as never, format: "jwk" });
  } catch {
    throw new TypeError(
      "key is neither a public key in PEM nor a JSON Web Key; a secret is given as bytes: Buffer.from(secret)",
    );
  }
}

function isPem(text: string): boolean {
  return text.includes("-----BEGIN ");
}

/** True for the bytes of a file with a public key, in any of the forms in which such files come. */
function isPublic(bytes: Buffer): boolean {
  const text = bytes.toString("latin1").trim();
  if (isPem(text) || /^(ssh|ecdsa|sk)-/.test(text) || isJsonKey(text)) return true;
  return isDer(bytes) || (/^[A-Za-z0-9+/_=\s-]+$/.test(text) && isDer(Buffer.from(text, "base64")));
}

function isJsonKey(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && ("kty" in value || "keys" in value);
  } catch {
    return false;
  }
}

function isDer(key: Buffer): boolean {
  const readings: readonly (() => unknown)[] = [
    () => createPublicKey({ key, format: "der", type: "spki" }),
    () => createPublicKey({ key, format: "der", type: "pkcs1" }),
    () => new X509Certificate(key),
  ];
  return readings.some((read) => {
    try {
      read();
      return true;
    } catch {
      return false;
    }
  });
}

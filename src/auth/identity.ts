import { type Call, type ValueKey, valueKey } from "../core/call.ts";
import { text } from "../core/option-kinds.ts";
import { whatIs } from "../core/what-is.ts";

/** Who makes a call, as far as it has been proved. */
export interface Identity {
  /** Who it is: `sub` of a token; the SPIFFE id, or else the name, of a certificate. */
  readonly subject: string;
  /** Who says so: `iss` of a token; `undefined` of a certificate, which an authority of the server's own vouches for. */
  readonly issuer: string | undefined;
  /** What it has been granted. */
  readonly scopes: ReadonlySet<string>;
  /** All that a token says; nothing of a certificate. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** @throws TypeError that says what an identity has, for what is none */
export function checkedIdentity(found: unknown): Identity {
  const { subject, scopes } = Object(found) as { readonly [K in keyof Identity]?: unknown };
  if (text.fits(subject) && scopes instanceof Set) return found as Identity;
  throw new TypeError(
    `a way to know callers gave ${whatIs(found)} that is no Identity: it has a subject, which is text, and scopes, a Set; ` +
      "undefined is nobody",
  );
}

/** Under this `auth` attaches the caller: `context.get(identity)?.subject`. Nobody has it on a public method. */
export const identity: ValueKey<Identity> = valueKey("identity");

/**
 * One way to find out who makes a call; `undefined` where the call brings nothing of its kind. What is no `Identity` is
 * taken for nobody, and logged. What it throws says what is wrong with what the call brings: that is for the server's log,
 * and never for the caller, whom another way may know. An `RpcError` is the caller's answer as it stands.
 */
export type Authenticate = (call: Call) => Identity | undefined | Promise<Identity | undefined>;

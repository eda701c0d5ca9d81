// `trunkline/auth`: who calls, and who may. `jwt` needs the package jose.
export { allow, type Rule, type Rules } from "./allow.ts";
export { type AuthOptions, auth } from "./auth.ts";
export { type BearerOptions, bearer } from "./bearer.ts";
export { type Authenticate, type Identity, identity } from "./identity.ts";
export { type JwtOptions, jwt } from "./jwt.ts";
export { type MutualTlsOptions, mutualTls } from "./mutual-tls.ts";
export type { Token, TokenSource } from "./token-keeper.ts";
export type { JsonWebKey } from "./verification-key.ts";

import type { Resolver } from "../registry/registry.ts";

/**
 * A way to one of the servers that a registry has, to ask that one. Trusted no more than the registry is: who can write to
 * it must not send a token, or anything else, to a socket of this machine.
 */
export function serverAt(address: string, { local }: Pick<Resolver, "local">): Resolver {
  return {
    local,
    resolve(_service, listener) {
      listener({ endpoints: [{ address }], state: "current" });
      return () => {};
    },
  };
}

import { checkObservers } from "../core/check-observers.ts";
import { parseAddress } from "../core/endpoint.ts";
import type { Observer } from "../core/facts.ts";
import { isUnixAddress, plainAddresses } from "../core/grpc-address.ts";
import type { Logger } from "../core/logger.ts";
import { checkKind } from "../core/option-kinds.ts";
import { checkNames } from "../core/option-names.ts";
import { shownUri } from "../core/shown-uri.ts";
import type { Registry } from "./registry.ts";
import { staticRegistry } from "./static.ts";

export interface RegistryFromUriOptions {
  /** Silent by default. */
  readonly logger?: Logger | undefined;
  /** Told of what happens in the registry; none by default. */
  readonly observers?: readonly Observer[] | undefined;
}

const uriKind = {
  fits: (value: unknown) => typeof value === "string",
  remedy: "give text, such as etcd://127.0.0.1:2379",
};
const etcdUri = /^(etcds?|https?):\/\//i;

/**
 * The registry that a URI names, as `TRUNKLINE_REGISTRY` and the command line carry it:
 * `etcd://user:password@host1:2379,host2:2379/namespace/?ttl=10`, `etcds://` for TLS, `http://` and `https://` for etcd
 * as well, and `static://10.0.0.1:50051,10.0.0.2:50051` or just the addresses. etcd's client is loaded only where a URI
 * asks for it.
 * @throws TypeError (rejects with it) that names the URI and what is wrong with it
 */
export async function registryFromUri(uri: string, options: RegistryFromUriOptions = {}): Promise<Registry> {
  checkNames(options, { logger: true, observers: true }, "registryFromUri");
  checkObservers(options);
  checkKind("the URI of a registry", uri, uriKind);
  const text = uri.trim();
  if (etcdUri.test(text)) {
    const { etcd } = await import("./etcd/index.ts");
    return etcd(text, options);
  }
  const scheme = /^([^/]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (text === "" || (scheme !== undefined && scheme !== "static")) throw refused(uri, forms);
  const addresses = text.replace(/^static:\/\//i, "");
  if (addresses.includes("@")) throw refused(uri, "only etcd takes a login: write etcd://user:password@host:2379");
  const listed = addresses.split(",").map((address) => address.trim());
  // Who has forgotten the scheme is to hear of it.
  if (scheme === undefined && !listed.some(isAddress)) throw refused(uri, forms);
  return staticRegistry(listed);
}

const forms = "write etcd://host:2379, etcds://host:2379 or static://host:port,host:port";

function isAddress(text: string): boolean {
  try {
    return plainAddresses(text).every((address) => isUnixAddress(address) || parseAddress(address).host !== "");
  } catch {
    return false;
  }
}

function refused(uri: string, why: string): TypeError {
  return new TypeError(`"${shownUri(uri)}" names no registry: ${why}`);
}

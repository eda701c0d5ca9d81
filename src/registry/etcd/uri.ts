import { formatAddress, parseAddress } from "../../core/endpoint.ts";
import { shownUri } from "../../core/shown-uri.ts";

/** What a URI says of an etcd. */
export interface EtcdUri {
  /** `host:port` */
  readonly hosts: readonly string[];
  readonly secure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly namespace: string;
  readonly ttlSeconds: number | undefined;
  readonly dialects: readonly string[] | undefined;
  /** `native` or `etcd3`, where it is right. */
  readonly client: string | undefined;
  /** The name in etcd's certificate, where it is not the host. */
  readonly serverName: string | undefined;
  /** Paths of PEM files. */
  readonly files: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

const pattern =
  /^(?:(?<scheme>\w*):\/\/)?(?:(?<login>[^@]*)@)?(?<hosts>[^/?#@]*)(?:\/(?<path>[^?#]*))?(?:\?(?<query>[^#]*))?$/;
const isSecure: Readonly<Record<string, boolean>> = { etcd: false, http: false, etcds: true, https: true };
const parameters = ["ttl", "dialects", "client", "ca", "cert", "key", "serverName"];

/**
 * Reads `etcd://user:password@host1:2379,host2:2379/namespace/?ttl=10&dialects=go-naming,kratos`. `etcds://` is TLS,
 * with the PEM files `ca`, `cert` and `key` and with `serverName`; `http://`, `https://` and a bare `host:port` do as well,
 * in any case. The port is 2379 by default. What follows the host's slash stands before every key. `client=etcd3` asks by
 * the package of that name.
 * @throws TypeError that names what is wrong, without the password
 */
export function parseEtcdUri(uri: string): EtcdUri {
  const refuse = (why: string) => new TypeError(`"${shownUri(uri)}" names no etcd: ${why}`);
  const { scheme = "etcd", login, hosts = "", path = "", query } = pattern.exec(uri.trim())?.groups ?? {};
  const name = scheme.toLowerCase();
  const secure = Object.hasOwn(isSecure, name) ? isSecure[name] : undefined;
  if (secure === undefined) throw refuse(`${shownUri(scheme)}:// is none of etcd://, etcds://, http:// and https://`);
  if (hosts === "") {
    throw refuse(uri.includes("#") ? "there is a # behind its host" : "it has no host; write etcd://host:2379");
  }

  const found = new URLSearchParams(query);
  for (const name of found.keys()) {
    if (!parameters.includes(name))
      throw refuse(`there is no parameter "${shownUri(name)}", only ${parameters.join(", ")}`);
  }
  const ttl = found.get("ttl") ?? undefined;
  if (ttl !== undefined && !/^\d+$/.test(ttl)) throw refuse(`ttl is "${shownUri(ttl)}": give whole seconds`);
  const [username, ...password] = login?.split(":") ?? [];
  try {
    return {
      hosts: hosts.split(",").map(withPort),
      secure,
      username: username === undefined ? undefined : decodeURIComponent(username),
      password: password.length === 0 ? undefined : decodeURIComponent(password.join(":")),
      namespace: decodeURIComponent(path),
      ttlSeconds: ttl === undefined ? undefined : Number(ttl),
      dialects: found.get("dialects")?.split(","),
      client: found.get("client") ?? undefined,
      serverName: found.get("serverName") ?? undefined,
      files: Object.fromEntries([...found].filter(([name]) => name === "ca" || name === "cert" || name === "key")),
    };
  } catch (error) {
    throw refuse(error instanceof URIError ? "a % in it is not followed by two hex digits" : (error as Error).message);
  }
}

function withPort(host: string): string {
  const hasPort = /^(\[[^\]]*\]|[^:[]*):/.test(host);
  try {
    const { host: name, port } = parseAddress(hasPort ? host : `${host}:2379`);
    return formatAddress(name, port);
  } catch {
    throw new TypeError(`"${shownUri(host)}" is no address: write host:port, with IPv6 in brackets ([::1]:2379)`);
  }
}

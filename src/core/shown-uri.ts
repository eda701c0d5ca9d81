import { shortened } from "./printable.ts";

/** Parameters whose values are no secret. */
const harmless = new Set(["ttl", "dialects", "client", "ca", "cert", "key", "serverName"]);

/**
 * A URI, or an address that somebody took for one, as it may stand in a message or a log: without a login, without what
 * stands where a port should, without values of parameters that nobody knows, in one line
 * of bounded length.
 */
export function shownUri(uri: string): string {
  const [, scheme = "", rest = ""] = /^([\w+.-]*:\/\/)?([\s\S]*)$/.exec(uri.trim()) ?? [];
  const at = rest.lastIndexOf("@");
  const login = at < 0 ? "" : "…@";
  const place = rest
    .slice(at + 1)
    // A password that is followed by no host.
    .replace(/^([^/?#]*)/, (hosts) => hosts.replace(/:(?!\d{1,5}(?:,|$))[^,:[\]]+(?=,|$)/g, ":…"))
    .replace(/([?&])([^=&#]*)=([^&#]*)/g, (whole, mark, name) => (harmless.has(name) ? whole : `${mark}${name}=…`));
  return shortened(`${scheme}${login}${place}`);
}

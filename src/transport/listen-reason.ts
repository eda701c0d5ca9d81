import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { SocketAddress } from "./address.ts";
import { connectReason } from "./connect-reason.ts";

/** Ports that not everybody may listen on. */
const FIRST_FREE_PORT = 1024;

/** Why an address cannot be listened on, with the system's own code, and what to do. */
export function listenReason(cause: NodeJS.ErrnoException, to: SocketAddress): string {
  return "path" in to ? pathReason(cause, to.path) : portReason(cause, to.host, to.port);
}

function portReason(cause: NodeJS.ErrnoException, host: string, port: number): string {
  switch (cause.code) {
    case "EADDRINUSE":
      return "the port is in use (EADDRINUSE): stop the program that listens there, or give another; 0 takes a free one";
    case "EACCES":
      return port < FIRST_FREE_PORT
        ? `permission denied (EACCES): ports below ${FIRST_FREE_PORT} are for root, or with CAP_NET_BIND_SERVICE; give a higher one`
        : "permission denied (EACCES): this user may not listen there";
    case "EADDRNOTAVAIL":
      return `${host} is no address of this machine (EADDRNOTAVAIL): give one that is, or 0.0.0.0 for all`;
    case "EINVAL":
      return `${host} cannot be listened on (EINVAL): a link-local address needs its interface, [fe80::1%eth0]:50051`;
    case "EAFNOSUPPORT":
      return `this machine has no such addresses (EAFNOSUPPORT): give 0.0.0.0 or 127.0.0.1 where IPv6 is off`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `there is no host ${host} (${cause.code}): give a name or an IP address of this machine, or 0.0.0.0 for all`;
    default:
      return connectReason(cause);
  }
}

/** The system says of a Unix socket what it says of a port, and that one may not where there is no such folder. */
function pathReason(cause: NodeJS.ErrnoException, path: string): string {
  const folder = dirname(path);
  if (!path.startsWith("\0") && !existsSync(folder)) return `there is no folder ${folder}`;
  switch (cause.code) {
    case "EADDRINUSE":
      return "the path is in use (EADDRINUSE): stop the program that listens there, or give another";
    case "EACCES":
      return `permission denied (EACCES): this user may not write in ${folder}`;
    case "EINVAL":
    case "ENAMETOOLONG":
      return `the path is too long (${cause.code}): the system takes 107 bytes or fewer`;
    default:
      return connectReason(cause);
  }
}

import { type BigIntStats, readFileSync, statSync } from "node:fs";
import { checkKinds, functionLike, type OptionKinds, text } from "../core/option-kinds.ts";
import { checkNames, type OptionNames } from "../core/option-names.ts";
import type { ClientTls, ServerTls } from "../core/transport.ts";

/** The files of a server's TLS, in PEM. */
export interface ServerTlsFiles extends Pick<ServerTls, "passphrase"> {
  readonly certFile: string;
  readonly keyFile: string;
  /** Authorities whose client certificates are accepted: mutual TLS. */
  readonly caFile?: string | undefined;
}

/** The files of a client's TLS, in PEM. */
export interface ClientTlsFiles extends Pick<ClientTls, "passphrase" | "serverName" | "identityOf"> {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** Authorities to trust; the system's by default. */
  readonly caFile?: string | undefined;
}

const names: OptionNames<ClientTlsFiles> = {
  certFile: true,
  keyFile: true,
  caFile: true,
  passphrase: true,
  serverName: true,
  identityOf: true,
};

const path = { ...text, remedy: "give the path of a file" };
const kinds: OptionKinds<ClientTlsFiles> = {
  certFile: path,
  keyFile: path,
  caFile: path,
  identityOf: functionLike("(endpoint) => endpoint.metadata?.identity"),
};

const parts = { certFile: "cert", keyFile: "key", caFile: "ca" } as const;
type FileOption = keyof typeof parts;

/** A file that was written to so short a time ago, in milliseconds, may be written to again and have the same times. */
const FRESH_MS = 100;

/**
 * TLS from files that change: `createServer({ tls: tlsFiles({ certFile, keyFile }) })`. They are looked at before each
 * connection, and each second besides; what is new is used for new connections, and those that are open live on. Links
 * that are turned to another folder, as Kubernetes does, are followed. What is half written, does not belong together or
 * has gone is not taken up: what was read before goes on being used, with one warning.
 * @throws TypeError for an option that there is not; and when it is first asked, for a file that cannot be read
 */
export function tlsFiles(files: ServerTlsFiles): () => ServerTls;
export function tlsFiles(files: ClientTlsFiles): () => ClientTls;
export function tlsFiles(files: ClientTlsFiles): () => ClientTls {
  checkNames(files, names, "tlsFiles");
  checkKinds(files, kinds, "tlsFiles: ");
  const { certFile, keyFile, caFile, ...rest } = files;
  const given = Object.entries({ certFile, keyFile, caFile }).filter(([, file]) => file !== undefined) as [
    FileOption,
    string,
  ][];
  let readAt: string | undefined;
  let read: ClientTls | undefined;

  return () => {
    const stats = given.map(([option, file]) => readable(option, file, () => statSync(file, { bigint: true })));
    const at = stats.map(markOf).join();
    const known = read;
    if (known === undefined || at !== readAt) {
      const pems = given.map(([option, file]) => [parts[option], readable(option, file, () => readFileSync(file))]);
      // What is written meanwhile changes the mark, but for what comes in the same tick of the system's clock.
      readAt = stats.some(isFresh) ? undefined : at;
      const latest: ClientTls = { ...rest, ...Object.fromEntries(pems) };
      read = latest;
      return latest;
    }
    return known;
  };
}

/** Another whenever the file is another, or has been written to. */
function markOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].join(":");
}

function isFresh({ ctimeNs }: BigIntStats): boolean {
  return Math.abs(Date.now() - Number(ctimeNs / 1_000_000n)) < FRESH_MS;
}

function readable<T>(option: FileOption, file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new TypeError(`${option} ${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

import type { Endpoint } from "../../../core/endpoint.ts";

/** One key and its value, as they stand in etcd. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** How one framework writes its servers into etcd: pure functions between endpoints and keys. */
export interface Dialect {
  /** For options and logs: `go-naming`. */
  readonly name: string;
  /** What every key of this dialect starts with; empty where only the service's name does. */
  readonly root: string;
  /** What the keys of one service start with. It ends in a slash, so that `a.B` never sees `a.BC`. */
  prefix(service: string): string;
  /** What a server writes. `leaseId` is the decimal id of the lease that the key stands under. */
  write(service: string, endpoint: Endpoint, leaseId: string): KeyValue;
  /** @throws Error that says what is wrong with the value; its message needs no key, the caller names it */
  read(entry: KeyValue): Endpoint;
  /** The service that a key below `root` belongs to; `undefined` where the key is none of this dialect's. */
  serviceOf(entry: KeyValue): string | undefined;
}

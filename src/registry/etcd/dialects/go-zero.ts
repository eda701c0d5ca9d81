import { checkAddress } from "../../announcement.ts";
import type { Dialect } from "./dialect.ts";

export interface GoZeroOptions {
  /**
   * The `Key` that a service has in go-zero's configuration; `<service>.rpc` by default. It cannot be what another
   * dialect starts its keys with: go-zero takes every value below it for an address.
   */
  readonly keyOf?: ((service: string) => string) | undefined;
}

const suffix = ".rpc";

/**
 * go-zero: key `<Key>/<lease id in decimal>`, value the bare `host:port`. It has no room for metadata.
 * https://github.com/zeromicro/go-zero/blob/master/core/discov/publisher.go
 */
export function goZero({ keyOf = (service) => `${service}${suffix}` }: GoZeroOptions = {}): Dialect {
  return {
    name: "go-zero",
    root: "",
    prefix: (service) => `${keyOf(service)}/`,
    write: (service, { address }, leaseId) => ({ key: `${keyOf(service)}/${leaseId}`, value: address }),
    read({ value }) {
      checkAddress(value);
      return { address: value };
    },
    serviceOf({ key }) {
      const name = /^(.+)\/\d+$/.exec(key)?.[1];
      return name?.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
    },
  };
}

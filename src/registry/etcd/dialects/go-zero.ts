import { checkAddress } from "../../announcement.ts";
import type { Dialect } from "./dialect.ts";

export interface GoZeroOptions {
  /** The `Key` that a service has in go-zero's configuration; the service's full proto name by default. */
  readonly keyOf?: ((service: string) => string) | undefined;
}

/**
 * go-zero: key `<Key>/<lease id in decimal>`, value the bare `host:port`. It has no room for metadata.
 * https://github.com/zeromicro/go-zero/blob/master/core/discov/publisher.go
 */
export function goZero({ keyOf = (service) => service }: GoZeroOptions = {}): Dialect {
  return {
    name: "go-zero",
    root: "",
    prefix: (service) => `${keyOf(service)}/`,
    write: (service, { address }, leaseId) => ({ key: `${keyOf(service)}/${leaseId}`, value: address }),
    read({ value }) {
      checkAddress(value);
      return { address: value };
    },
    serviceOf: ({ key }) => /^(.+)\/\d+$/.exec(key)?.[1],
  };
}

import { checkAddress } from "../../announcement.ts";
import type { Dialect } from "./dialect.ts";
import { parseObject, textField, toMetadata } from "./json.ts";

export interface GoNamingOptions {
  /**
   * Where metadata is written; in `Metadata` by default. Go clients with grpc-go up to 1.71.0 panic on an object there
   * ("comparing uncomparable type", https://github.com/grpc/grpc-go/issues/8225): for a fleet that has such clients
   * write it to `Attributes`, which Go passes over. Both are read.
   */
  readonly metadataIn?: "Metadata" | "Attributes" | undefined;
}

/**
 * etcd's own Go naming package, which a stock grpc-go client reads: key `<service>/<address>`, value
 * `{"Op":0,"Addr":"10.0.0.5:50051","Metadata":{"zone":"a"}}`.
 * https://pkg.go.dev/go.etcd.io/etcd/client/v3/naming/endpoints
 */
export function goNaming({ metadataIn = "Metadata" }: GoNamingOptions = {}): Dialect {
  return {
    name: "go-naming",
    root: "",
    prefix: (service) => `${service}/`,
    write: (service, { address, metadata = null }) => ({
      key: `${service}/${address}`,
      value: JSON.stringify({ Op: 0, Addr: address, Metadata: null, [metadataIn]: metadata }),
    }),
    read({ value }) {
      // Its readers look at Addr alone: neither Op nor the rest of the key means anything to them.
      const object = parseObject(value);
      const address = textField(object, "Addr");
      checkAddress(address);
      return { address, metadata: toMetadata(object.Metadata) ?? toMetadata(object.Attributes) };
    },
    serviceOf({ key }) {
      const slash = key.indexOf("/");
      return slash > 0 ? key.slice(0, slash) : undefined;
    },
  };
}

import { checkAddress } from "../../announcement.ts";
import type { Dialect } from "./dialect.ts";
import { parseObject, textField, toMetadata } from "./json.ts";

/**
 * etcd's own Go naming package, which a stock grpc-go client reads: key `<service>/<address>`, value
 * `{"Op":0,"Addr":"10.0.0.5:50051","Metadata":{"zone":"a"}}`.
 * https://pkg.go.dev/go.etcd.io/etcd/client/v3/naming/endpoints
 */
export const goNaming: Dialect = {
  name: "go-naming",
  root: "",
  prefix: (service) => `${service}/`,
  write: (service, { address, metadata }) => ({
    key: `${service}/${address}`,
    value: JSON.stringify({ Op: 0, Addr: address, Metadata: metadata ?? null }),
  }),
  read({ value }) {
    // Its readers look at Addr alone: neither Op nor the rest of the key means anything to them.
    const object = parseObject(value);
    const address = textField(object, "Addr");
    checkAddress(address);
    return { address, metadata: toMetadata(object.Metadata) };
  },
  serviceOf({ key }) {
    const slash = key.indexOf("/");
    return slash > 0 ? key.slice(0, slash) : undefined;
  },
};

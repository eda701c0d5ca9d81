import { checkAddress } from "../../announcement.ts";
import type { Dialect } from "./dialect.ts";
import { parseObject, textField, toMetadata } from "./json.ts";

export interface KitexOptions {
  /** What the keys start with; `kitex/registry-etcd` by default, as kitex has it. */
  readonly prefix?: string | undefined;
  /** The name that a service has in kitex; its full proto name by default. */
  readonly nameOf?: ((service: string) => string) | undefined;
}

const defaultWeight = 10;

/**
 * kitex: key `kitex/registry-etcd/<service>/<address>`, value
 * `{"network":"tcp","address":"10.0.0.5:50051","weight":10,"tags":{…}}`. The weight stands in an endpoint's metadata as
 * `weight`, the tags are the rest of it.
 * https://github.com/kitex-contrib/registry-etcd/blob/main/etcd_registry.go
 */
export function kitex({ prefix = "kitex/registry-etcd", nameOf = (service) => service }: KitexOptions = {}): Dialect {
  const root = `${prefix}/`;
  return {
    name: "kitex",
    root,
    prefix: (service) => `${root}${nameOf(service)}/`,
    write(service, { address, metadata = {} }) {
      const { weight, ...tags } = metadata;
      const number = Number(weight);
      const value = {
        network: "tcp",
        address,
        // A whole number above 0 is all that kitex can carry.
        weight: number >= 1 ? Math.round(number) : defaultWeight,
        tags,
      };
      return { key: `${root}${nameOf(service)}/${address}`, value: JSON.stringify(value) };
    },
    read({ value }) {
      const object = parseObject(value);
      const address = textField(object, "address");
      checkAddress(address);
      const weight = object.weight;
      const tags = toMetadata(object.tags);
      return { address, metadata: typeof weight === "number" && weight > 0 ? { ...tags, weight: `${weight}` } : tags };
    },
    serviceOf({ key }) {
      const slash = key.indexOf("/", root.length);
      return slash > root.length ? key.slice(root.length, slash) : undefined;
    },
  };
}

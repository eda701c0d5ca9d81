import type { Endpoint } from "../../../core/endpoint.ts";
import { checkAddress } from "../../announcement.ts";
import type { Dialect } from "./dialect.ts";
import { parseObject, toMetadata } from "./json.ts";

export interface KratosOptions {
  /** What the keys start with; `/microservices` by default, as kratos has it. */
  readonly namespace?: string | undefined;
  /** The name that a service has in kratos; its full proto name by default. */
  readonly nameOf?: ((service: string) => string) | undefined;
}

/** Older releases mark TLS as `grpc://10.0.0.5:50051?isSecure=true`. */
const grpcUrl = /^grpc(s)?:\/\/([^/?#]+)(?:\/?\?.*\b(isSecure=true)\b)?/;

/**
 * kratos: key `/microservices/<name>/<id>`, value
 * `{"id":…,"name":…,"version":…,"metadata":{…},"endpoints":["grpc://10.0.0.5:50051"]}`, with `grpcs://` for TLS. The id
 * is the address; the version and whether it is TLS stand in an endpoint's metadata as `version` and `tls`.
 * https://github.com/go-kratos/kratos/blob/main/contrib/registry/etcd/registry.go
 */
export function kratos({ namespace = "/microservices", nameOf = (service) => service }: KratosOptions = {}): Dialect {
  const root = `${namespace}/`;
  return {
    name: "kratos",
    root,
    prefix: (service) => `${root}${nameOf(service)}/`,
    write(service, { address, metadata = {} }) {
      const { version = "", tls, ...rest } = metadata;
      const scheme = tls === "true" ? "grpcs" : "grpc";
      const instance = { id: address, name: nameOf(service), version, metadata: rest };
      return {
        key: `${root}${nameOf(service)}/${address}`,
        value: JSON.stringify({ ...instance, endpoints: [`${scheme}://${address}`] }),
      };
    },
    read: ({ value }) => read(value),
    serviceOf({ key }) {
      const slash = key.indexOf("/", root.length);
      return slash > root.length ? key.slice(root.length, slash) : undefined;
    },
  };
}

function read(value: string): Endpoint {
  const { endpoints, metadata, version } = parseObject(value);
  const urls: unknown[] = Array.isArray(endpoints) ? endpoints : [];
  const url = urls.map((each) => grpcUrl.exec(String(each))).find((match) => match !== null);
  const address = url?.[2];
  if (address === undefined) throw new Error("it has no endpoint that starts with grpc:// or grpcs://");
  checkAddress(address);
  const facts = { ...toMetadata(metadata) };
  if (typeof version === "string" && version !== "") facts.version = version;
  if (url?.[1] !== undefined || url?.[3] !== undefined) facts.tls = "true";
  return { address, metadata: Object.keys(facts).length === 0 ? undefined : facts };
}

// What `trunkline/etcd` gives.
export type { DialectName } from "./dialects/by-name.ts";
export type { Dialect, KeyValue } from "./dialects/dialect.ts";
export { type GoNamingOptions, goNaming } from "./dialects/go-naming.ts";
export { type GoZeroOptions, goZero } from "./dialects/go-zero.ts";
export { type KitexOptions, kitex } from "./dialects/kitex.ts";
export { type KratosOptions, kratos } from "./dialects/kratos.ts";
export { etcd } from "./etcd.ts";
export { type EtcdPoliciesOptions, etcdPolicies } from "./policies/policies.ts";
export type { EtcdClientName, EtcdOptions } from "./settings.ts";

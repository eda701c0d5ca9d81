export { createDevEtcd, type DevEtcd, type DevEtcdOptions } from "./dev-etcd.ts";

// `trunkline/admin`: what a process knows of itself, for those who operate it.
export type { Levelled } from "./log-level.ts";
export { type AdminOptions, serveAdmin } from "./serve-admin.ts";

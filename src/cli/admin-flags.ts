import { Metadata } from "../core/metadata.ts";
import type { ListFlag, Values } from "./command.ts";
import { metadataFrom } from "./metadata-flags.ts";
import { targetFlags } from "./target.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of the commands that ask `trunkline.admin.v1.Admin`. */
export const adminFlags: typeof targetFlags & Readonly<Record<"header", ListFlag>> = {
  ...targetFlags,
  header: {
    type: "string",
    multiple: true,
    short: "H",
    value: "'KEY: VALUE'",
    summary: "Metadata to send. The token that serveAdmin asks for is better put into TRUNKLINE_ADMIN_TOKEN.",
  },
};

/** What the environment and the flags say of who asks. @throws UsageError for what is no header */
export function credentialsOf({ header = [] }: Values<typeof adminFlags>, { env }: Terminal): Metadata {
  const token = env.TRUNKLINE_ADMIN_TOKEN;
  const own = token ? Metadata.from({ authorization: `Bearer ${token}` }) : Metadata.EMPTY;
  const given = metadataFrom(header);
  return given.has("authorization") ? given : own.append(given);
}

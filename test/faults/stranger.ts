// A server that is no greeter, at an address that was one's: it has only what every server has.
import { createServer } from "trunkline";
import type { ServerSettings } from "./protocol.ts";

const settings = JSON.parse(process.env.SETTINGS as string) as ServerSettings;
process.once("disconnect", () => process.exit(0));
const server = createServer();
process.send?.({ address: await server.listen(settings.listen) });
process.once("SIGTERM", () => void server.close().then(() => process.exit(0)));

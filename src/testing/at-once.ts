import type { DrainOptions } from "../server/drain.ts";

/** For a server of a test, on whatever transport: `createServer({ drain: atOnce })` closes without waiting for anybody. */
export const atOnce: DrainOptions = Object.freeze({ quietMs: 0, quietTimeoutMs: 0, timeoutMs: 0 });

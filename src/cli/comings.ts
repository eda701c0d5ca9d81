const mostLines = 20;
const everyMs = 1_000;

/** Says who comes and goes, a line each, and no more than a reader can follow: of the rest it says how many they were. */
export interface Comings {
  /** @param key as a server registers: `<service>/<address>`; others are passed over */
  tell(key: string, event: "came" | "went"): void;
  stop(): void;
}

export function createComings(print: (line: string) => void): Comings {
  let said = 0;
  let unsaid = 0;
  let timer: NodeJS.Timeout | undefined;

  function nextSecond(): void {
    timer = undefined;
    said = 0;
    if (unsaid === 0) return;
    print(`  and ${unsaid} more came or went`);
    unsaid = 0;
  }

  return {
    tell(key, event) {
      const [, service, address] = /^([^/]+)\/(.+)$/s.exec(key) ?? [];
      if (service === undefined || address === undefined) return;
      timer ??= setTimeout(nextSecond, everyMs).unref();
      if (said++ < mostLines) print(`${event === "came" ? "+" : "-"} ${service}  ${address}`);
      else unsaid++;
    },
    stop: () => clearTimeout(timer),
  };
}

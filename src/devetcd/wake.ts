/** A wait that others end: however often it is woken while nobody waits, the next wait returns at once. */
export interface Wake {
  wake(): void;
  /** Resolves when woken. One waits at a time. */
  wait(): Promise<void>;
}

export function createWake(): Wake {
  let due = false;
  let resume: (() => void) | undefined;
  return {
    wake() {
      due = true;
      resume?.();
    },
    async wait() {
      if (!due) await new Promise<void>((resolve) => (resume = resolve));
      resume = undefined;
      due = false;
    },
  };
}

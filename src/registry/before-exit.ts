// One listener for all: beyond ten, Node takes those of a process for a leak.
const waiting = new Set<() => void>();

/** Runs `work` before the process ends by itself, unless the returned function is called before. */
export function beforeExit(work: () => void): () => void {
  if (waiting.size === 0) process.on("beforeExit", runAll);
  waiting.add(work);
  return () => {
    if (waiting.delete(work) && waiting.size === 0) process.off("beforeExit", runAll);
  };
}

function runAll(): void {
  for (const work of [...waiting]) work();
}

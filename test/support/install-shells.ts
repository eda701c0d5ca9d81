import { ensure } from "./install-program.ts";

/** The shells for which the command has completions, beside bash. */
export default function setup(): void {
  for (const name of ["zsh", "fish"]) {
    ensure({
      name,
      check: [name, "--version"],
      apt: [name],
      brew: name,
      without: `The tests of what ${name} completes DO NOT RUN.`,
    });
  }
}

if (import.meta.main) setup();

import { clearScreenDown, moveCursor } from "node:readline";
import { styleText } from "node:util";
import type { ServerProcess } from "./processes.ts";
import type { Tally } from "./traffic.ts";

/** How often it is drawn, and the time that a rate is taken over, in milliseconds. */
const EVERY_MS = 100;
const WINDOW_MS = 1_000;
/** What stands beside a bar: name, rate, calls, state. */
const BESIDE_BAR = 46;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** Lines that stay, above a picture that moves. Where the output is no terminal there are the lines alone. */
export interface Picture {
  say(line: string): void;
  stop(): void;
}

interface Sample {
  readonly at: number;
  readonly counts: ReadonlyMap<string, number>;
}

/** A bar for each server: as long as its share of the calls that are answered. */
export function startPicture(servers: readonly ServerProcess[], tally: Tally): Picture {
  const { stdout } = process;
  if (!stdout.isTTY) return { say: (line) => console.log(line), stop() {} };

  const samples: Sample[] = [];
  let drawn = 0;

  function rates(): (name: string) => number {
    samples.push({ at: performance.now(), counts: new Map(tally.perServer) });
    while (samples.length > WINDOW_MS / EVERY_MS + 1) samples.shift();
    const first = samples[0] as Sample;
    const seconds = Math.max((performance.now() - first.at) / 1_000, EVERY_MS / 1_000);
    return (name) => ((tally.perServer.get(name) ?? 0) - (first.counts.get(name) ?? 0)) / seconds;
  }

  function erase(): void {
    moveCursor(stdout, 0, -drawn);
    clearScreenDown(stdout);
    drawn = 0;
  }

  function draw(): void {
    const rate = rates();
    const all = servers.reduce((sum, { name }) => sum + rate(name), 0);
    const room = Math.min(Math.max(stdout.columns - BESIDE_BAR, 10), 60);
    const lines = servers.map(({ name, running }) => {
      const length = all === 0 ? 0 : (rate(name) / all) * room;
      const state = running ? (length > 0 ? styleText("green", "up") : "starting") : styleText("red", "killed");
      const calls = (tally.perServer.get(name) ?? 0).toLocaleString("en");
      return `  ${name.padEnd(6)} ${styleText("cyan", bar(length, room))} ${rate(name).toFixed(0).padStart(5)}/s ${calls.padStart(8)} answered  ${state}`;
    });
    if (drawn > 0) erase();
    stdout.write(`\n${lines.join("\n")}\n`);
    drawn = lines.length + 1;
  }

  const timer = setInterval(draw, EVERY_MS);
  draw();
  return {
    say(line) {
      erase();
      console.log(line);
      draw();
    },
    stop() {
      clearInterval(timer);
      erase();
    },
  };
}

function bar(length: number, room: number): string {
  const eighths = Math.round(length * 8);
  return ("█".repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]).padEnd(room);
}

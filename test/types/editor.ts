import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { repository } from "../support/program.ts";

/** What is offered at a place, and what is said of it. */
export interface Offer {
  readonly name: string;
  readonly shown: string;
  readonly documentation: string;
}

/** What a person sees who has a program open. Places are named by a text that stands there once. */
export interface Editor {
  hover(at: string): Promise<{ readonly shown: string; readonly documentation: string }>;
  /** What may stand in that text's place. */
  complete(at: string): Promise<readonly Offer[]>;
  /** The errors, each with its line of the program. */
  errors(): Promise<readonly string[]>;
  close(): Promise<void>;
}

interface Place {
  readonly line: number;
  readonly offset: number;
}

interface Reply {
  readonly request_seq?: number;
  readonly success?: boolean;
  readonly message?: string;
  readonly body?: any;
}

/**
 * Opens a program in the language server that editors use.
 * @param tsserver the path of its `tsserver.js`
 * @param file where the program would stand; it need not be there
 */
export function openEditor(tsserver: string, file: string, text: string): Editor {
  const args = [tsserver, "--disableAutomaticTypingAcquisition"];
  const child = spawn(process.execPath, args, { cwd: repository, stdio: ["pipe", "pipe", "inherit"] });
  const ask = asking(child);
  const opened = ask("open", { file, fileContent: text, scriptKindName: "TS" });

  function placeOf(at: string): Place {
    const [before = "", ...behind] = text.split(at);
    if (behind.length !== 1) throw new Error(`${at} stands in the program ${behind.length} times`);
    const lines = before.split("\n");
    return { line: lines.length, offset: (lines.at(-1)?.length ?? 0) + 1 };
  }

  return {
    async hover(at) {
      await opened;
      const { displayString, documentation } = await ask("quickinfo", { file, ...placeOf(at) });
      return { shown: displayString, documentation: textOf(documentation) };
    },
    async complete(at) {
      await opened;
      const place = { file, ...placeOf(at) };
      const { entries } = await ask("completionInfo", place);
      const names = (entries as { name: string }[]).map(({ name }) => name);
      const details: any[] = await ask("completionEntryDetails", { ...place, entryNames: names });
      return details.map(({ name, displayParts, documentation }) => ({
        name,
        shown: textOf(displayParts),
        documentation: textOf(documentation),
      }));
    },
    async errors() {
      await opened;
      const found: { text: string; start: Place }[] = await ask("semanticDiagnosticsSync", { file });
      return found.map(({ text, start }) => `${start.line}: ${text}`);
    },
    async close() {
      const closed = once(child, "close");
      child.kill();
      await closed;
    },
  };
}

function textOf(parts: string | readonly { readonly text: string }[] | undefined): string {
  return typeof parts === "object" ? parts.map(({ text }) => text).join("") : (parts ?? "");
}

/** Sends a request to the server, and resolves with the body of its reply. */
function asking({ stdin, stdout }: ChildProcess): (command: string, given: object) => Promise<any> {
  const waiting = new Map<number, (reply: Reply) => void>();
  let asked = 0;
  let received = "";
  stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    // Each message is a line of its own, with a header before it.
    const lines = `${received}${chunk}`.split("\n");
    received = lines.pop() ?? "";
    for (const line of lines.filter((each) => each.startsWith("{"))) {
      const reply = JSON.parse(line) as Reply;
      waiting.get(reply.request_seq ?? 0)?.(reply);
    }
  });
  return async (command, given) => {
    const seq = ++asked;
    stdin?.write(`${JSON.stringify({ seq, type: "request", command, arguments: given })}\n`);
    // It answers everything but this.
    if (command === "open") return undefined;
    const { success, message, body } = await new Promise<Reply>((resolve) => waiting.set(seq, resolve));
    if (success) return body;
    throw new Error(`${command}: ${message}`);
  };
}

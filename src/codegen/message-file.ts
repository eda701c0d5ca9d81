import { posix } from "node:path";

/**
 * What ts-proto made of messages, where each knows the descriptor of its file: its JSON form is read from that.
 * @param name of the generated file
 */
export function withDescriptor(content: string, name: string, extension: string): string {
  const known = content
    .replace(/(?<=\{\n)( +)\$type: "[^"]+" as const,/g, "$&\n$1$$file,")
    .replace(/^ {2}readonly \$type: V;$/gm, "$&\n  readonly $$file: typeof $$file;");
  if (known === content) return content;
  const own = `./${posix.basename(name, ".ts")}.desc${extension}`;
  return known.replace("/* eslint-disable */\n", `$&import { file as $$file } from "${own}";\n`);
}

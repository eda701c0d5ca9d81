import type { DescFile, DescMessage } from "@bufbuild/protobuf";

/** The files, and every file that they take a message or an enum from, well-known types too; not what is only imported. */
export function withUsedFiles(files: readonly DescFile[]): Set<DescFile> {
  const found = new Set<DescFile>();
  function visit(file: DescFile): void {
    if (found.has(file)) return;
    found.add(file);
    for (const { methods } of file.services)
      for (const { input, output } of methods) [input.file, output.file].forEach(visit);
    file.messages.forEach(visitMessage);
  }
  function visitMessage(message: DescMessage): void {
    for (const field of message.fields) {
      const used = field.message ?? field.enum;
      if (used !== undefined) visit(used.file);
    }
    message.nestedMessages.forEach(visitMessage);
  }
  files.forEach(visit);
  return found;
}

/** Every message of a file, those in other messages too. */
export function messagesOf({ messages }: DescFile): DescMessage[] {
  const withNested = (message: DescMessage): DescMessage[] => [message, ...message.nestedMessages.flatMap(withNested)];
  return messages.flatMap(withNested);
}

/** A JSDoc comment; empty where there is nothing to say. */
export function jsDoc(comment: string, deprecated: boolean, indent: string): string {
  const text = [comment.replaceAll("*/", "*\\/"), deprecated ? "@deprecated" : ""].filter(Boolean).join("\n\n");
  if (text === "") return "";
  if (!text.includes("\n")) return `${indent}/** ${text} */\n`;
  const lines = text.split("\n").map((line) => `${indent} *${line === "" ? "" : ` ${line}`}\n`);
  return `${indent}/**\n${lines.join("")}${indent} */\n`;
}

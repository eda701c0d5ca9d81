type Label = "CERTIFICATE" | "PRIVATE KEY";

const words = {
  CERTIFICATE: { what: "certificate", tool: "openssl x509 -inform der" },
  "PRIVATE KEY": { what: "key", tool: "openssl pkey -inform der" },
} as const;

/**
 * What is given for a certificate or a key, as bytes.
 * @throws TypeError where it is no PEM of that label; it says what it is, and nothing of what was given: that may be a key
 */
export function pemOf(option: string, pem: unknown, label: Label): Buffer {
  if (typeof pem !== "string" && !(pem instanceof Uint8Array)) {
    throw new TypeError(`${option} is no PEM, but of type ${typeof pem}: give the text or the bytes of the file`);
  }
  const bytes = typeof pem === "string" ? Buffer.from(pem) : Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength);
  const text = bytes.toString("latin1");
  if (text.includes(`${label}-----`)) return bytes;
  throw new TypeError(`${option} holds no ${words[label].what} in PEM: ${whatElse(text, label)}`);
}

/** What is wrong with PEM that cannot be read; empty where nobody knows. */
export function damageOf(pem: Buffer): string {
  const text = pem.toString("latin1").trim();
  if (text.includes("\\n")) return ': its line ends are written as \\n: give pem.replaceAll("\\\\n", "\\n")';
  if (!/[\r\n]/.test(text)) return ": its line ends are gone: give the file as it is";
  if (/^[ \t]+\S/m.test(text)) return ": its lines are indented: give the file as it is";
  if (!/-----END [^\n]+-----$/.test(text)) return ": it is cut short, and has no line with END";
  return "";
}

function whatElse(text: string, label: Label): string {
  const found = /-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (found !== undefined) {
    const isSwapped = label === "CERTIFICATE" ? found.endsWith("PRIVATE KEY") : found === "CERTIFICATE";
    return isSwapped ? `it holds a ${found}: are cert and key in each other's place?` : `it holds a ${found}`;
  }
  // How each begins in DER.
  if (text.startsWith("\x30")) return `it may be DER: make PEM of it (${words[label].tool})`;
  const isPath = text.length > 0 && text.length < 1_000 && !/[\r\n]/.test(text);
  return isPath ? "it reads like a path: give what the file holds" : `it must have a line with BEGIN ${label}`;
}

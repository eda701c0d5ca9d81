import { Oversize } from "../oversize.ts";

const words = /^Received message (?:larger than max \((\d+) vs (\d+)\)|that decompresses to a size larger than (\d+))$/;

/** What grpc-js means by a status that it makes of a message over its limit; `undefined` for any other. */
export function oversizeIn(details: string): Oversize | undefined {
  const [found, bytes, limit, mostInflated] = words.exec(details) ?? [];
  if (found === undefined) return undefined;
  return bytes === undefined
    ? new Oversize(undefined, Number(mostInflated))
    : new Oversize(Number(bytes), Number(limit));
}

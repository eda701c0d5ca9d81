/** A message as gRPC puts it on the wire: a flag, its length, itself. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

/** Takes chunks as they come and gives each message that is complete. */
export function deframer(onMessage: (message: Uint8Array) => void): (chunk: Buffer) => void {
  let held: Buffer[] = [];
  let bytes = 0;
  let wanted = 5;
  return (chunk) => {
    held.push(chunk);
    bytes += chunk.length;
    if (bytes < wanted) return;
    const all = held.length === 1 ? chunk : Buffer.concat(held, bytes);
    let at = 0;
    wanted = 5;
    while (all.length - at >= 5) {
      const end = at + 5 + all.readUInt32BE(at + 1);
      wanted = end - at;
      if (end > all.length) break;
      onMessage(all.subarray(at + 5, end));
      at = end;
      wanted = 5;
    }
    held = at === all.length ? [] : [all.subarray(at)];
    bytes = all.length - at;
  };
}

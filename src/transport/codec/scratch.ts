/** Eight bytes in which a float or a 64-bit integer changes into bytes and back. Nothing stays in them. */
export const scratchBytes: Uint8Array = new Uint8Array(8);
export const scratch: DataView = new DataView(scratchBytes.buffer);

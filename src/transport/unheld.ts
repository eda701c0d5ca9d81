import type { Socket } from "node:net";

/** A socket that does not keep the process alive, though Node's HTTP/2 would have it do so while streams are open on it. */
export function unheld<S extends Socket>(socket: S): S {
  socket.unref();
  socket.ref = () => socket;
  return socket;
}

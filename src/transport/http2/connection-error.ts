/** Ends a connection: GOAWAY with `code`, then the socket is closed. RFC 9113, section 5.4.1. */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
Object.defineProperty(ConnectionError.prototype, "name", { value: "ConnectionError", configurable: true });

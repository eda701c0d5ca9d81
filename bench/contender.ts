/** A server that listens on the loopback. */
export interface Serving {
  readonly port: number;
  close(): Promise<void>;
}

/** One connection to a server, and the calls that a contender can make over it. Each resolves once it is answered. */
export interface Caller {
  /** Sends "world" and gives what came back: "Hello world". */
  hello(): Promise<string>;
  /** As `hello`, from a handler that takes 1 to 10 ms. */
  work?(): Promise<string>;
  /** Stays in flight until `release`. */
  park?(): Promise<unknown>;
  release?(): Promise<unknown>;
  /** Sends `order`; gives the total of the order that came back. */
  place?(): Promise<number>;
  /** Sends bytes; gives how many came back. */
  echo?(data: Uint8Array): Promise<number>;
  /** Gives how many bytes came in `count` messages. */
  download?(count: number, size: number): Promise<number>;
  /** Sends a text and waits for it to come back, `count` times on one stream; gives how many did. */
  chat?(count: number): Promise<number>;
  close(): Promise<void>;
}

export interface Keys {
  readonly ca: Buffer;
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface ConnectOptions {
  /** Authorities to trust; without it, plaintext. */
  readonly tls: Keys | undefined;
  /** The most calls that will be in flight at a time. */
  readonly inFlight: number;
  /** How many loopback addresses to call the server by, from 127.0.0.1 upward; 1 by default. */
  readonly endpoints?: number;
}

export interface Contender {
  serve(tls: Keys | undefined): Promise<Serving>;
  connect(port: number, options: ConnectOptions): Promise<Caller>;
}

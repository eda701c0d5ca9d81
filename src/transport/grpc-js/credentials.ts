import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { CallCredentials, ChannelCredentials } from "@grpc/grpc-js";
import { secure } from "../tls.ts";
import { unheld } from "../unheld.ts";

type SecureConnector = ReturnType<ChannelCredentials["_createSecureConnector"]>;

/**
 * Credentials through which Trunkline sees each socket that grpc-js opens. grpc-js's own would leave a socket open for
 * ever on which nothing answers, would wait for ever where one closes during the TLS handshake, and cannot do TLS to an
 * IP address on Node 26 (it sends the address as a server name, which Node refuses). None of them keeps the process alive:
 * calls do.
 */
export class SocketCredentials extends ChannelCredentials {
  readonly #tls: ConnectionOptions | undefined;
  readonly #opened: (socket: Socket) => void;
  /** Why the TLS handshake failed, or the socket broke, where it did: grpc-js passes on no more than its text. */
  failure: unknown;

  constructor(tls: ConnectionOptions | undefined, opened: (socket: Socket) => void) {
    super();
    this.#tls = tls;
    this.#opened = opened;
  }

  readonly #failed = (error: unknown): void => {
    this.failure = error;
  };

  /** A server that refuses a client's certificate says so only after the handshake, with TLS 1.3. */
  #heeded(socket: Socket): Socket {
    return socket.once("error", this.#failed);
  }

  override _isSecure(): boolean {
    return this.#tls !== undefined;
  }

  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }

  override _createSecureConnector(_target: unknown, _options: unknown, calls?: CallCredentials): SecureConnector {
    return {
      connect: async (socket) => {
        this.#opened(unheld(socket));
        if (this.#tls === undefined) return { socket: this.#heeded(socket), secure: false };
        const secured = secure(socket, this.#tls);
        secured.catch(this.#failed);
        return { socket: this.#heeded(unheld(await secured)), secure: true };
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => calls ?? CallCredentials.createEmpty(),
      destroy() {},
    };
  }
}

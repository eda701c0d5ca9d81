/**
 * A request that has come and is not decoded yet, so that a call that is not let in costs no more than its bytes.
 * `call.request` decodes it where somebody looks; a server's handler waits until it is `ready`.
 */
export interface LateRequest {
  /**
   * The message; decoded at once where it is not yet.
   * @throws RpcError where it does not decode, or the call is over
   */
  readonly message: unknown;
  /** Resolves once it is decoded, when its turn has come; rejects with an RpcError. */
  ready(): Promise<void>;
}

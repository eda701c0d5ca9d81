import { Cancellation } from "./cancellation.ts";
import { Code } from "./code.ts";
import { followSignal } from "./followed-signal.ts";
import { RpcError } from "./rpc-error.ts";

/**
 * The life of one call that is made here: it is cancelled with what it follows, the caller's signal or the call that is
 * being answered, and by its owner, who ends it. It listens to those only while somebody listens to it, so that a signal
 * or a handler that lives long holds nothing of calls that are over.
 */
export class Scope extends Cancellation {
  readonly #caller: AbortSignal | undefined;
  readonly #parent: Cancellation | undefined;
  #stopFollowing: (() => void) | undefined;

  constructor(caller?: AbortSignal, parent?: Cancellation) {
    super();
    this.#caller = caller;
    this.#parent = parent;
  }

  override get reason(): RpcError | undefined {
    if (super.reason === undefined && this.#stopFollowing === undefined) {
      if (this.#caller?.aborted === true) this.#abort();
      else if (this.#parent?.reason !== undefined) this.cancel(asReason(this.#parent.reason));
    }
    return super.reason;
  }

  protected override heard(listening: boolean): void {
    if (!listening) {
      this.#stopFollowing?.();
      this.#stopFollowing = undefined;
    } else this.#stopFollowing ??= this.#follow();
  }

  #follow(): () => void {
    const onCancel = (reason: RpcError): void => this.cancel(asReason(reason));
    const unfollow = this.#caller && followSignal(this.#caller, () => this.#abort());
    this.#parent?.onCancel(onCancel);
    return () => {
      unfollow?.();
      this.#parent?.offCancel(onCancel);
    };
  }

  #abort(): void {
    const reason = RpcError.from(this.#caller?.reason, Code.CANCELLED);
    // Made of what is no RpcError, it is nobody else's.
    this.cancel(reason === this.#caller?.reason ? asReason(reason) : reason.with({ local: isLocal(reason) }));
  }
}

/**
 * The reason as one call's own, since that call's peer will be written on it. What a caller ends is no server's doing;
 * time that ran out may have been the server's to use.
 */
function asReason(error: RpcError): RpcError {
  return error.with({ local: isLocal(error), cause: error });
}

function isLocal({ code }: RpcError): boolean {
  return code !== Code.DEADLINE_EXCEEDED;
}

import { Code } from "../core/code.ts";
import { RpcError } from "../core/rpc-error.ts";

type Event<A extends unknown[]> = (...args: A) => void;

/**
 * Makes the events of a call's wire: none comes once the call is over, and one that throws is the end of the call, since
 * what it brought was too large or did not decode.
 */
export function guardedBy(
  isOver: () => boolean,
  end: (error: RpcError) => void,
): <A extends unknown[]>(event: Event<A>) => Event<A> {
  return (event) =>
    (...args) => {
      if (isOver()) return;
      try {
        event(...args);
      } catch (error) {
        end(RpcError.from(error, Code.INTERNAL));
      }
    };
}

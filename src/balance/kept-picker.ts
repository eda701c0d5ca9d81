import type { Peer } from "../core/transport.ts";
import { avoiding } from "./avoid.ts";
import type { Balancer, Picker, Replaced, Shares } from "./balancer.ts";
import { madePicker } from "./checked.ts";
import { type SlowStart, slowStart } from "./slow-start.ts";
import { createUsable, type Usable } from "./usable.ts";

export interface PickingOptions extends SlowStart {
  readonly balancer: Balancer;
}

/** A picker over some peers, made over when it is asked for and they have changed. */
export interface KeptPicker extends Pick<Usable, "look" | "leave" | "connecting"> {
  /** What is picked by from now on is to be as the peers are now. */
  renew(): void;
  readonly picker: Picker;
  /** Most circuits were open when it was made. */
  readonly panic: boolean;
}

export function keepPicker(options: PickingOptions): KeptPicker {
  const { balancer, random } = options;
  const usable = createUsable();
  let picker: Picker = nobody;
  /** The balancer's own, and nothing around it. */
  let own: Picker | undefined;
  let panic = false;
  let fresh = false;

  function make(): void {
    const { peers, differences, ...taken } = usable.take();
    const before = own;
    panic = taken.panic;
    fresh = true;
    if (before !== undefined && differences?.gone.length === 0 && differences.come.length === 0) return;
    const replaced = before && differences && { picker: before, ...differences };
    // Where the balancer throws there is none that the next could replace.
    own = undefined;
    if (peers.length === 0) picker = nobody;
    else picker = avoiding(peers, panic ? madePicker(balancer(peers)) : gentle(peers, replaced), random);
  }

  /** One whose circuit was open is new again; in panic it has to bear its part all the same. */
  function gentle(peers: readonly Peer[], replaced: Replaced | undefined): Picker {
    const noted = (those: readonly Peer[], shares?: Shares): Picker => {
      own = madePicker(balancer(those, shares, replaced));
      return own;
    };
    return slowStart(Object.assign(noted, { gradual: balancer.gradual === true }), peers, options);
  }

  return {
    look: usable.look,
    leave: usable.leave,
    get connecting() {
      return usable.connecting;
    },
    renew() {
      fresh = false;
    },
    get picker() {
      if (!fresh) make();
      return picker;
    },
    get panic() {
      return panic;
    },
  };
}

function nobody(): undefined {
  return undefined;
}

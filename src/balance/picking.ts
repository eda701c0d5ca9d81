import type { Call } from "../core/call.ts";
import type { Peer } from "../core/transport.ts";
import { avoiding } from "./avoid.ts";
import type { Balancer, Picker } from "./balancer.ts";
import { type SlowStart, slowStart } from "./slow-start.ts";
import { usable } from "./usable.ts";

/** A peer, and the methods that its server says it serves; `undefined` where it does not say. */
export interface Candidate {
  readonly peer: Peer;
  readonly methods: ReadonlySet<string> | undefined;
}

export interface PickingOptions extends SlowStart {
  readonly balancer: Balancer;
}

/** How to pick from one state of the peers. */
export interface Picking {
  readonly pick: Picker;
  /** Most circuits are open, and all connected peers are picked from. */
  readonly panic: boolean;
  /** Whether a peer that could take the call is still connecting. */
  connecting(call: Call): boolean;
}

/**
 * Makes a picker over all the peers of a service. While their servers serve the same methods there is one picker. While
 * they differ, as in a rolling upgrade, there is one for each method that is called, made at its first call, so that a
 * pick costs the same either way.
 */
export function picking(candidates: readonly Candidate[], options: PickingOptions): Picking {
  const every = usable(candidates.map(({ peer }) => peer));
  const { panic } = every;
  if (alike(candidates)) {
    let connecting: boolean | undefined;
    return {
      pick: choose(every, options),
      panic,
      connecting() {
        connecting ??= candidates.some(isConnecting);
        return connecting;
      },
    };
  }
  const byMethod = new Map<string, Picker>();
  const pickerOf = (name: string): Picker => {
    let picker = byMethod.get(name);
    if (picker === undefined) {
      picker = choose(usable(serving(candidates, name).map(({ peer }) => peer)), options);
      byMethod.set(name, picker);
    }
    return picker;
  };
  return {
    pick: (call) => pickerOf(call.method.name)(call),
    panic,
    connecting: (call) => serving(candidates, call.method.name).some(isConnecting),
  };
}

/**
 * The candidates whose server has a method. Where nobody says that it has, all of them: then the server's own
 * UNIMPLEMENTED is the truth, and the registry may not have heard of it yet.
 */
export function serving(candidates: readonly Candidate[], method: string): readonly Candidate[] {
  const those = candidates.filter(({ methods }) => methods === undefined || methods.has(method));
  return those.length === 0 ? candidates : those;
}

function alike(candidates: readonly Candidate[]): boolean {
  const first = candidates[0]?.methods;
  return candidates.every(({ methods }) => {
    if (methods === first) return true;
    return methods?.size === first?.size && [...(methods ?? [])].every((name) => first?.has(name));
  });
}

function isConnecting({ peer }: Candidate): boolean {
  return peer.state === "connecting";
}

function choose({ peers, panic }: ReturnType<typeof usable>, options: PickingOptions): Picker {
  if (peers.length === 0) return () => undefined;
  const { balancer, random } = options;
  // One whose circuit was open is new again; in panic it has to bear its part all the same.
  const picker = panic ? balancer(peers) : slowStart(balancer, peers, options);
  return avoiding(peers, picker, random);
}

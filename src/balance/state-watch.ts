import type { ChannelState } from "../core/channel-state.ts";
import type { Facts } from "../core/facts.ts";

/** Those who follow the states of a channel's services. Costs nothing while there is none. */
export interface StateWatch {
  /** Tells the listener the state now, and whenever it has changed, until the returned function is called. */
  add(service: string, listener: (state: ChannelState) => void): () => void;
  /** Whether anybody follows a service. */
  has(service: string): boolean;
  /** The state of a service may have changed. */
  look(service: string): void;
  /** Tells everybody for the last time. */
  end(): void;
}

interface Follower {
  readonly listener: (state: ChannelState) => void;
  told: ChannelState | undefined;
}

/** A listener that throws is told of, and does not keep the others from hearing. */
export function createStateWatch(stateOf: (service: string) => ChannelState, facts: Facts): StateWatch {
  const followers = new Map<string, Set<Follower>>();

  function tell(service: string, follower: Follower): void {
    const state = stateOf(service);
    if (state === follower.told) return;
    follower.told = state;
    try {
      follower.listener(state);
    } catch (error) {
      facts.on["listener-threw"]?.({ to: "the channel's state", service, peer: undefined, error });
    }
  }

  function look(service: string): void {
    const those = followers.get(service);
    if (those === undefined) return;
    // Who is told may take another away.
    for (const follower of [...those]) if (those.has(follower)) tell(service, follower);
  }

  return {
    add(service, listener) {
      const follower: Follower = { listener, told: undefined };
      const those = followers.get(service) ?? new Set();
      followers.set(service, those.add(follower));
      tell(service, follower);
      return () => {
        those.delete(follower);
        if (those.size === 0 && followers.get(service) === those) followers.delete(service);
      };
    },
    has: (service) => followers.has(service),
    look,
    end() {
      for (const service of [...followers.keys()]) look(service);
      followers.clear();
    },
  };
}

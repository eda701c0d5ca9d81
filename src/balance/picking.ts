import type { Call } from "../core/call.ts";
import type { Peer } from "../core/transport.ts";
import type { Picker } from "./balancer.ts";
import { type KeptPicker, keepPicker, type PickingOptions } from "./kept-picker.ts";

/** A peer, and the methods that its server says it serves; `undefined` where it does not say. */
export interface Candidate {
  readonly peer: Peer;
  readonly methods: ReadonlySet<string> | undefined;
}

/** How to pick from one state of the peers. */
export interface Picking {
  readonly pick: Picker;
  /** Most circuits are open, and all connected peers are picked from. */
  readonly panic: boolean;
  /** Whether a peer that could take the call is still connecting. */
  connecting(call: Call): boolean;
}

/** Picks from all the peers of a service, of whose changes it is told one by one. */
export interface Pickings {
  /** One came, or its state or its methods have changed; or where it `isNew` it is back, or its endpoint says something else. */
  look(candidate: Candidate, isNew: boolean): void;
  leave(candidate: Candidate): void;
  /** How to pick from the peers as they are now. Nobody is to pick any more as it said before. */
  next(): Picking;
}

/** The servers that serve the same methods: those of one version. */
interface Version {
  readonly id: number;
  readonly methods: ReadonlySet<string> | undefined;
  size: number;
}

interface View extends KeptPicker {
  readonly versions: ReadonlySet<Version>;
}

/** Methods whose views, or pickers, are remembered. */
const mostMethods = 1_000;

/**
 * While all servers serve the same methods there is one picker. While they differ, as in a rolling upgrade, there is one
 * for each choice of versions that serve a method that is called, so that a pick costs the same either way. Methods that
 * nobody says to have are asked of all: then the server's own UNIMPLEMENTED is the truth, and the registry may not have
 * heard of it yet.
 */
export function createPickings(options: PickingOptions): Pickings {
  const all = keepPicker(options);
  const versions = new Map<ReadonlySet<string> | undefined, Version>();
  const candidates = new Map<Candidate, Version>();
  /** By the ids of their versions. */
  const views = new Map<string, View>();
  const byMethod = new Map<string, KeptPicker>();
  let ids = 0;

  function join(candidate: Candidate): Version {
    const { methods } = candidate;
    let version = versions.get(methods);
    if (version === undefined) {
      version = { id: ids++, methods, size: 0 };
      versions.set(methods, version);
      forget();
    }
    version.size++;
    candidates.set(candidate, version);
    return version;
  }

  function part(version: Version): void {
    version.size--;
    if (version.size > 0) return;
    versions.delete(version.methods);
    forget();
  }

  function forget(): void {
    views.clear();
    byMethod.clear();
  }

  function viewOf(method: string): KeptPicker {
    const known = byMethod.get(method);
    if (known !== undefined) return known;
    const those = [...versions.values()].filter(({ methods }) => methods === undefined || methods.has(method));
    const view = those.length === 0 || those.length === versions.size ? all : viewOn(those);
    if (byMethod.size >= mostMethods) byMethod.clear();
    byMethod.set(method, view);
    return view;
  }

  function viewOn(those: readonly Version[]): View {
    const key = those.map(({ id }) => id).join();
    let view = views.get(key);
    if (view === undefined) {
      view = Object.assign(keepPicker(options), { versions: new Set(those) });
      for (const [{ peer }, version] of candidates) if (view.versions.has(version)) view.look(peer, false);
      views.set(key, view);
    }
    return view;
  }

  function nextByMethod(): Pick<Picking, "pick" | "connecting"> {
    const pickers = new Map<string, Picker>();
    return {
      pick(call) {
        const { name } = call.method;
        let picker = pickers.get(name);
        if (picker === undefined) {
          picker = viewOf(name).picker;
          if (pickers.size >= mostMethods) pickers.clear();
          pickers.set(name, picker);
        }
        return picker(call);
      },
      connecting: (call) => viewOf(call.method.name).connecting,
    };
  }

  return {
    look(candidate, isNew) {
      const { peer } = candidate;
      const before = candidates.get(candidate);
      const changed = before === undefined || before.methods !== candidate.methods;
      const version = changed ? join(candidate) : before;
      if (before !== undefined && changed) part(before);
      all.look(peer, isNew);
      for (const view of views.values()) {
        if (view.versions.has(version)) view.look(peer, isNew);
        else if (before !== undefined && view.versions.has(before)) view.leave(peer);
      }
    },
    leave(candidate) {
      const version = candidates.get(candidate);
      if (version === undefined) return;
      candidates.delete(candidate);
      all.leave(candidate.peer);
      for (const view of views.values()) if (view.versions.has(version)) view.leave(candidate.peer);
      part(version);
    },
    next() {
      all.renew();
      for (const view of views.values()) view.renew();
      // It panics, or not, once it has been made.
      const { picker } = all;
      const { panic } = all;
      if (versions.size > 1) return { ...nextByMethod(), panic };
      return { pick: picker, panic, connecting: () => all.connecting };
    },
  };
}

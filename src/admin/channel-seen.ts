import {
  type Channel as ChannelMessage,
  Peer_Circuit as Circuit,
  type Peer as PeerMessage,
} from "../../gen/trunkline/admin/v1/admin.ts";
import type { Observer } from "../core/facts.ts";
import type { PeerState } from "../core/transport.ts";
import { methodsSeen } from "./methods-seen.ts";
import { timestampOf } from "./times.ts";
import { createTraffic, type Traffic } from "./traffic.ts";

/** Of each service. */
const MOST_PEERS = 10_000;
const MOST_SERVICES = 1_000;

interface PeerSeen {
  state: PeerState;
  reason: string | undefined;
  circuit: Circuit;
  traffic: Traffic | undefined;
}

interface ServiceSeen {
  registryState: string;
  registryReason: string | undefined;
  heardAtMs: number | undefined;
  endpoints: number;
  panic: boolean;
  readonly peers: Map<string, PeerSeen>;
}

/** How a channel stands, put together from its facts: it knows nothing of what came before it listened. */
export interface ChannelSeen {
  readonly observer: Observer;
  read(name: string): ChannelMessage;
}

export function channelSeen(): ChannelSeen {
  const services = new Map<string, ServiceSeen>();
  const methods = methodsSeen("client");

  function seen(name: string): ServiceSeen | undefined {
    let service = services.get(name);
    if (service === undefined && services.size < MOST_SERVICES) {
      service = {
        registryState: "unknown",
        registryReason: undefined,
        heardAtMs: undefined,
        endpoints: 0,
        panic: false,
        peers: new Map(),
      };
      services.set(name, service);
    }
    return service;
  }

  function circuit(service: string | undefined, peer: string, circuit: Circuit): void {
    const found = service === undefined ? undefined : services.get(service)?.peers.get(peer);
    if (found !== undefined) found.circuit = circuit;
  }

  const observer: Observer = {
    ...methods.observer,
    "registry-snapshot"({ service, endpoints, state, reason, incomplete }) {
      const found = seen(service);
      if (found === undefined) return;
      const registryReason = reason ?? incomplete;
      Object.assign(found, { endpoints, registryState: state, registryReason, heardAtMs: Date.now() });
    },
    "peer-state-changed"({ service, peer, to, reason }) {
      const peers = seen(service)?.peers;
      if (peers === undefined) return;
      const found = peers.get(peer);
      if (to === "closed") peers.delete(peer);
      else if (found !== undefined) Object.assign(found, { state: to, reason });
      else if (peers.size < MOST_PEERS) {
        peers.set(peer, { state: to, reason, circuit: Circuit.CIRCUIT_CLOSED, traffic: undefined });
      }
    },
    "attempt-ended"({ method, peer, code, tookMs }) {
      const found = services.get(method.split("/")[1] as string)?.peers.get(peer);
      if (found === undefined) return;
      found.traffic ??= createTraffic(1);
      found.traffic.ended(code, tookMs);
    },
    "circuit-opened": ({ service, peer }) => circuit(service, peer, Circuit.CIRCUIT_OPEN),
    "circuit-reopened": ({ service, peer }) => circuit(service, peer, Circuit.CIRCUIT_OPEN),
    "circuit-half-open": ({ service, peer }) => circuit(service, peer, Circuit.CIRCUIT_HALF_OPEN),
    "circuit-closed": ({ service, peer }) => circuit(service, peer, Circuit.CIRCUIT_CLOSED),
    "panic-began": ({ service }) => void Object.assign(seen(service) ?? {}, { panic: true }),
    "panic-ended": ({ service }) => void Object.assign(seen(service) ?? {}, { panic: false }),
    "service-idle": ({ service }) => void services.delete(service),
  };

  return {
    observer,
    read: (name) => ({
      name,
      services: [...services].map(([name, { heardAtMs, registryReason = "", peers, ...service }]) => ({
        name,
        ...service,
        registryReason,
        heardAt: heardAtMs === undefined ? undefined : timestampOf(heardAtMs),
        peers: [...peers].map(([address, peer]) => shown(address, peer)),
      })),
      methods: methods.list(),
    }),
  };
}

function shown(address: string, { state, reason = "", circuit, traffic }: PeerSeen): PeerMessage {
  return { address, state, reason, circuit, traffic: traffic?.figures() };
}

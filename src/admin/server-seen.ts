import {
  Registration_State as Held,
  type Registration as RegistrationMessage,
  type Server as ServerMessage,
  Server_State as State,
} from "../../gen/trunkline/admin/v1/admin.ts";
import type { Observer } from "../core/facts.ts";
import type { Registering } from "../core/registry-facts.ts";
import { methodsSeen } from "./methods-seen.ts";
import { timestampOf } from "./times.ts";

/** How a server stands, put together from its facts: it knows nothing of what came before it listened. */
export interface ServerSeen {
  readonly observer: Observer;
  read(): ServerMessage;
}

export function serverSeen(): ServerSeen {
  const methods = methodsSeen("server");
  const registrations = new Map<string, RegistrationMessage>();
  let address = "";
  let state: State = State.STATE_UNSPECIFIED;
  let services: readonly string[] = [];
  let connections = 0;
  let waiting = 0;
  let refused = 0n;

  function registered(
    held: Held,
    { services, address, reason = "" }: Registering & { readonly reason?: string },
  ): void {
    const key = `${address} ${services.join(" ")}`;
    const before = registrations.get(key);
    const since = before?.state === held ? before.since : timestampOf(Date.now());
    registrations.set(key, { services: [...services], address, state: held, reason, since });
  }

  const observer: Observer = {
    ...methods.observer,
    listening(fact) {
      ({ address, services } = fact);
      state = State.STATE_SERVING;
    },
    "drain-began"() {
      state = State.STATE_DRAINING;
    },
    "server-closed"() {
      state = State.STATE_CLOSED;
    },
    "connection-opened"({ side }) {
      if (side === "server") connections++;
    },
    "connection-closed"({ side }) {
      if (side === "server") connections = Math.max(0, connections - 1);
    },
    "call-queued"(fact) {
      waiting = fact.waiting;
    },
    "call-dequeued"(fact) {
      waiting = fact.waiting;
    },
    "limit-refused"() {
      refused++;
    },
    "registration-made": (fact) => registered(Held.STATE_HELD, fact),
    "registration-kept": (fact) => registered(Held.STATE_HELD, fact),
    "registration-restored": (fact) => registered(Held.STATE_HELD, fact),
    "registration-failing": (fact) => registered(Held.STATE_FAILING, fact),
    "registration-lost": (fact) => registered(Held.STATE_LOST, fact),
    "registration-ended"({ services, address }) {
      registrations.delete(`${address} ${services.join(" ")}`);
    },
  };

  return {
    observer,
    read: () => ({
      address,
      state,
      services: [...services],
      connections,
      methods: methods.list(),
      registrations: [...registrations.values()],
      waiting,
      refused,
    }),
  };
}

import { castGrpcError, type IOptions, isRecoverableError } from "etcd3";
import { now } from "../../../core/deadline.ts";

export interface HostPolicies {
  readonly faultHandling: NonNullable<IOptions["faultHandling"]>;
  /** Tries again until each host has been tried once, or the error is none of the host. */
  eachHost<T>(attempt: () => Promise<T>): Promise<T>;
}

/** What grpc-js says where there is no connection, and a try at one has failed. */
const notConnected = /No connection established\. Last error: |Name resolution failed/;

/** A host that failed is passed over for this long, while another has not failed. */
const restMs = 5_000;

/**
 * How etcd3 chooses hosts. Its own circuit refuses a lone host for 5 s after three failures, so that a registration
 * would come back late; here a host that failed is passed over in favour of a better one, and tried again once `answers`
 * says that somebody is there. Waiting and trying again is up to the caller.
 */
export function createHostPolicies(hosts: readonly string[], answers: (host: string) => Promise<void>): HostPolicies {
  const failedAt = new Map<string, number>();
  const asking = new Map<string, Promise<void>>();
  const resting = (host: string) => now() - (failedAt.get(host) ?? Number.NEGATIVE_INFINITY) < restMs;

  /** One question at a time, however many calls wait for the answer. */
  const ask = (host: string): Promise<void> => {
    const asked = asking.get(host) ?? answers(host).finally(() => asking.delete(host));
    asking.set(host, asked);
    return asked;
  };

  /** grpc-js hands on what the system or OpenSSL says, in a line of its own: the host is asked what is wrong with it. */
  const explain = async (error: Error, host: string): Promise<void> => {
    const reason = await ask(host).then(
      () => undefined,
      (asked: Error) => asked.message,
    );
    if (reason !== undefined) error.message = reason;
  };

  const forHost = (host: string) => ({
    async execute<T>(attempt: () => Promise<T> | T): Promise<T> {
      if (resting(host) && !hosts.every(resting)) throw new Error(`${host} failed a moment ago`);
      try {
        if (failedAt.has(host)) await ask(host);
        const result = await attempt();
        failedAt.delete(host);
        return result;
      } catch (error) {
        if (isRecoverableError(error as Error)) failedAt.set(host, now());
        if (notConnected.test((error as Error).message)) await explain(error as Error, host);
        throw error;
      }
    },
  });

  const eachHost = async <T>(attempt: () => Promise<T>): Promise<T> => {
    for (let left = hosts.length - 1; ; left--) {
      try {
        return await attempt();
      } catch (error) {
        if (left === 0 || !isRecoverableError(castGrpcError(error as Error))) throw error;
      }
    }
  };

  // etcd3 calls nothing but `execute`; the type asks for all of cockatiel's policy.
  return { eachHost, faultHandling: { host: forHost as never, global: { execute: eachHost } as never } };
}

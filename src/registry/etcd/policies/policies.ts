import { watchCertificate } from "../../../core/certificate-watch.ts";
import { Code } from "../../../core/code.ts";
import type { PolicyStore } from "../../../core/policy-source.ts";
import { RpcError } from "../../../core/rpc-error.ts";
import { changedMeanwhile, checkPolicyChange, checkPolicyService } from "../../policy-change.ts";
import { createPolicyFeed } from "../../policy-feed.ts";
import { createClient } from "../client.ts";
import { createWire } from "../create-wire.ts";
import { describe } from "../describe.ts";
import type { Entry } from "../keys.ts";
import { type EtcdOptions, etcdSettings } from "../settings.ts";
import { keyOf, policyPrefix, readDocument, writeDocument } from "./document.ts";
import { historyOf, historyPuts, readHistory } from "./history.ts";
import { watchPolicies } from "./watch-policies.ts";

export interface EtcdPoliciesOptions
  extends Pick<
    EtcdOptions,
    "username" | "password" | "tls" | "namespace" | "callTimeoutMs" | "relistMs" | "client" | "logger" | "observers"
  > {}

/** No lease: a policy stands until another is set. */
const noLease = "0";

/**
 * Policies in etcd, below `trunkline/policy/`: `etcdPolicies("http://127.0.0.1:2379")`, with the same hosts, URIs and
 * options as `etcd()`. Connects when it is first used, keeps no process alive, and keeps what it knows while etcd is away.
 * @throws TypeError for hosts or options that cannot be right, saying which
 */
export function etcdPolicies(hosts: string | readonly string[], options: EtcdPoliciesOptions = {}): PolicyStore {
  const settings = etcdSettings(hosts, options);
  const { relistMs, facts } = settings;
  const client = createClient(createWire(settings), settings.namespace);
  const isTold = options.logger !== undefined || options.observers !== undefined;
  const feed = createPolicyFeed(isTold ? facts : undefined);
  const stopWatching = settings.tls && watchCertificate(settings.tls, facts);
  let following: AbortController | undefined;
  let isClosed = false;

  const assertOpen = (): void => {
    if (isClosed) throw new Error("these policies are closed");
  };

  /** What stands in etcd of a service. */
  async function look(service: string): Promise<{ current: Entry | undefined; entries: readonly Entry[] }> {
    const { entries } = await asking(client.read([{ key: keyOf(service) }, { prefix: historyOf(service) }]));
    const current = entries.find(({ key }) => key === keyOf(service));
    return { current, entries: entries.filter((entry) => entry !== current) };
  }

  const read = (service: string, entry: Entry | undefined) => {
    try {
      return entry && readDocument(service, entry);
    } catch (cause) {
      throw new TypeError(`${keyOf(service)} in etcd: ${(cause as Error).message}`, { cause });
    }
  };

  return {
    watch(listener, theirs) {
      assertOpen();
      const remove = feed.add(listener, theirs);
      if (following === undefined) {
        following = new AbortController();
        watchPolicies({ client, feed, relistMs, signal: following.signal });
      }
      return () => {
        remove();
        if (feed.size > 0) return;
        following?.abort();
        following = undefined;
      };
    },

    async get(service) {
      assertOpen();
      checkPolicyService(service);
      return read(service, (await look(service)).current);
    },

    async history(service) {
      assertOpen();
      checkPolicyService(service);
      return readHistory(service, (await look(service)).entries);
    },

    async set(service, change) {
      assertOpen();
      checkPolicyChange(service, change);
      const { expected } = change;
      const document = writeDocument(change, new Date().toISOString());
      const before = await look(service);
      const revision = Number(before.current?.modRevision ?? 0);
      if (expected !== undefined && expected !== revision) {
        throw changedMeanwhile(service, readable(service, before.current), expected);
      }
      const put = { key: keyOf(service), value: document, expected: before.current?.modRevision ?? "0" };
      await asking(client.put([put, ...historyPuts(service, { ...before, document })], noLease));
      // Whatever it said: etcd may have been asked twice, and the history knows what was written.
      const after = await look(service);
      const written = after.entries.find(({ value }) => value === document);
      if (written === undefined) throw changedMeanwhile(service, readable(service, after.current), expected);
      return readDocument(service, written);
    },

    async services() {
      assertOpen();
      const { entries } = await asking(client.read([{ prefix: policyPrefix }]));
      return entries.map(({ key }) => key.slice(policyPrefix.length)).sort();
    },

    async close() {
      isClosed = true;
      following?.abort();
      stopWatching?.();
      client.close();
    },
  };
}

/** Who wrote it last, where it can be told. */
function readable(service: string, entry: Entry | undefined) {
  if (entry === undefined) return undefined;
  try {
    return readDocument(service, entry);
  } catch {
    return { service, policy: {}, revision: Number(entry.modRevision), by: "", at: "", note: "" };
  }
}

async function asking<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new RpcError(Code.UNAVAILABLE, `etcd cannot be asked for policies: ${describe(error)}`, { cause: error });
  }
}

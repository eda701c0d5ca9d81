import { type Channel, type Client, createChannel, createClient } from "trunkline";
import { Cluster, KV, Lease, Maintenance, Watch } from "../../gen/etcd/api/etcdserverpb/rpc.rpc.ts";
import type { WatchRequest, WatchResponse } from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { MessageInit } from "../../src/core/message.ts";

/** etcd's API through Trunkline's own client. */
export interface EtcdClient {
  readonly kv: Client<(typeof KV)["methods"]>;
  readonly lease: Client<(typeof Lease)["methods"]>;
  readonly watch: Client<(typeof Watch)["methods"]>;
  readonly cluster: Client<(typeof Cluster)["methods"]>;
  readonly maintenance: Client<(typeof Maintenance)["methods"]>;
  readonly channel: Channel;
}

export function etcdClient(address: string): EtcdClient {
  const channel = createChannel({ endpoints: [address], breaker: false, maxReceiveMessageBytes: -1 });
  return {
    kv: createClient(KV, channel),
    lease: createClient(Lease, channel),
    watch: createClient(Watch, channel),
    cluster: createClient(Cluster, channel),
    maintenance: createClient(Maintenance, channel),
    channel,
  };
}

/** One stream of watches that a test writes to and reads from in turn. */
export interface WatchConversation {
  send(request: MessageInit<WatchRequest>["requestUnion"]): void;
  next(): Promise<WatchResponse>;
  close(): Promise<void>;
}

export function openWatch({ watch }: EtcdClient): WatchConversation {
  const waiting: MessageInit<WatchRequest>[] = [];
  let wake = (): void => {};
  let closed = false;
  async function* requests(): AsyncGenerator<MessageInit<WatchRequest>> {
    while (!closed) {
      const request = waiting.shift();
      if (request === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else yield request;
    }
  }
  const replies = watch.watch(requests());
  return {
    send(requestUnion) {
      waiting.push({ requestUnion } as MessageInit<WatchRequest>);
      wake();
    },
    async next() {
      const { done, value } = await replies.next();
      if (done) throw new Error("the watch ended");
      return value;
    },
    async close() {
      closed = true;
      wake();
      await replies.return?.();
    },
  };
}

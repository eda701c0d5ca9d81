import type {
  Compare,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "../../gen/etcd/api/etcdserverpb/rpc.ts";
import type { MessageInit } from "../../src/core/message.ts";

export type Operation =
  | { readonly name: "range"; readonly request: MessageInit<RangeRequest> }
  | { readonly name: "put"; readonly request: MessageInit<PutRequest> }
  | { readonly name: "deleteRange"; readonly request: MessageInit<DeleteRangeRequest> }
  | { readonly name: "txn"; readonly request: MessageInit<TxnRequest> }
  | { readonly name: "compact"; readonly request: { readonly revision: bigint } }
  | { readonly name: "grant" | "revoke" | "timeToLive" | "keepAlive"; readonly id: bigint; readonly ttl: bigint }
  | { readonly name: "leases" };

/** A source of numbers from 0 to below 1 that a seed decides: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Operations of every kind on few keys and leases, so that they meet; some of them wrong. */
export function operations(random: () => number): (revision: bigint) => Operation {
  const below = (count: number): number => Math.floor(random() * count);
  const oneOf = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
  const chance = (share: number): boolean => random() < share;
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

  const key = (): Uint8Array =>
    bytes(chance(0.02) ? "" : oneOf(["a", "a\0", "aa", "ab", "b", "ba", "c", "\xff", "\xff\xff"]));
  const rangeEnd = (): Uint8Array => bytes(chance(0.5) ? "" : oneOf(["\0", "a", "b", "c", "d", "\xff", "aa", "aa\0"]));
  const boundedEnd = (): Uint8Array => bytes(oneOf(["", "", "b", "c", "\xff", "aa\0"]));
  const lease = (): bigint => (chance(0.6) ? 0n : BigInt(1 + below(5)));
  const value = (): Uint8Array => bytes(oneOf(["", "1", "2", "20", "xyz"]));

  function revisionNear(revision: bigint): bigint {
    if (chance(0.6)) return 0n;
    return chance(0.1) ? BigInt(-below(3)) : revision + 2n - BigInt(below(12));
  }

  function range(revision: bigint): MessageInit<RangeRequest> {
    return {
      key: key(),
      rangeEnd: rangeEnd(),
      limit: chance(0.6) ? 0n : BigInt(below(4) - 1),
      revision: revisionNear(revision),
      sortOrder: below(3) as 0,
      sortTarget: (chance(0.5) ? 0 : below(5)) as 0,
      keysOnly: chance(0.2),
      countOnly: chance(0.15),
      minModRevision: chance(0.85) ? 0n : revision - BigInt(below(8)),
      maxModRevision: chance(0.85) ? 0n : revision - BigInt(below(8)),
      minCreateRevision: chance(0.85) ? 0n : revision - BigInt(below(8)),
      maxCreateRevision: chance(0.85) ? 0n : revision - BigInt(below(8)),
    };
  }

  function put(): MessageInit<PutRequest> {
    const [ignoreValue, ignoreLease] = [chance(0.15), chance(0.15)];
    return {
      key: key(),
      value: ignoreValue && chance(0.8) ? bytes("") : value(),
      lease: ignoreLease && chance(0.8) ? 0n : lease(),
      prevKv: chance(0.4),
      ignoreValue,
      ignoreLease,
    };
  }

  const deleteRange = (): MessageInit<DeleteRangeRequest> => ({
    key: key(),
    rangeEnd: rangeEnd(),
    prevKv: chance(0.5),
  });

  function compare(revision: bigint): MessageInit<Compare> {
    const near = revision - BigInt(below(5));
    const [target, targetUnion] = oneOf([
      [0, { $case: "version", value: BigInt(below(3)) }],
      [1, { $case: "createRevision", value: near }],
      [2, { $case: "modRevision", value: near }],
      [3, { $case: "value", value: value() }],
      [4, { $case: "lease", value: lease() }],
      [2, { $case: "modRevision", value: 0n }],
      [2, undefined],
      [0, { $case: "value", value: value() }],
    ] as const);
    const result = below(4) as 0;
    return {
      key: key(),
      rangeEnd: chance(0.7) ? bytes("") : rangeEnd(),
      result,
      target,
      targetUnion,
    } as MessageInit<Compare>;
  }

  function op(revision: bigint, depth: number): MessageInit<RequestOp> {
    const kind = below(depth < 2 ? 10 : 8);
    if (chance(0.01)) return {};
    if (kind < 3) return { request: { $case: "requestRange", value: range(revision) } };
    if (kind < 6) return { request: { $case: "requestPut", value: put() } };
    // Deleting all from a key on, and in the same transaction keeping the value of one of them, ends etcd's process.
    if (kind < 8)
      return { request: { $case: "requestDeleteRange", value: { ...deleteRange(), rangeEnd: boundedEnd() } } };
    return { request: { $case: "requestTxn", value: txn(revision, depth + 1) } } as MessageInit<RequestOp>;
  }

  function txn(revision: bigint, depth = 0): MessageInit<TxnRequest> {
    const list = <T>(most: number, make: () => T): T[] => Array.from({ length: below(most + 1) }, make);
    return {
      compare: list(2, () => compare(revision)),
      success: list(3, () => op(revision, depth)),
      failure: list(3, () => op(revision, depth)),
    };
  }

  return (revision) => {
    const kind = below(100);
    if (kind < 22) return { name: "range", request: range(revision) };
    if (kind < 45) return { name: "put", request: put() };
    if (kind < 53) return { name: "deleteRange", request: deleteRange() };
    if (kind < 80) return { name: "txn", request: txn(revision) };
    if (kind < 82) return { name: "compact", request: { revision: revision + 1n - BigInt(below(20)) } };
    if (kind < 84) return { name: "leases" };
    const name = oneOf(["grant", "grant", "revoke", "timeToLive", "keepAlive"] as const);
    return { name, id: BigInt(1 + below(5)), ttl: oneOf([600n, 1000n, -5n, 9_000_000_001n]) };
  };
}

import { expect, test } from "vitest";
import { Code } from "../../src/core/code.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError } from "../../src/core/rpc-error.ts";

test("a copy keeps what is not changed, and its cause", () => {
  const cause = new Error("beneath");
  const metadata = Metadata.from({ key: "value" });
  const error = new RpcError(Code.NOT_FOUND, "gone", { metadata, cause, local: true, peer: "a:1", method: "/s/M" });
  const copy = error.with({ final: true });
  expect(copy).toMatchObject({
    code: Code.NOT_FOUND,
    message: "gone",
    cause,
    local: true,
    peer: "a:1",
    method: "/s/M",
  });
  expect([copy.final, copy.metadata, error.final]).toEqual([true, metadata, false]);
});

test("an error is final where its trailers say so, and where it is said", () => {
  const trailers = (value: string) => ({ metadata: Metadata.fromFlat(["grpc-retry-pushback-ms", value]) });
  expect(new RpcError(Code.UNAVAILABLE, "", trailers("-1")).final).toBe(true);
  expect(new RpcError(Code.UNAVAILABLE, "", trailers("100")).final).toBe(false);
  expect(new RpcError(Code.UNAVAILABLE, "", { final: true }).final).toBe(true);
});

test("what was thrown and is no RpcError came from this side", () => {
  expect(RpcError.from(new Error("a bug"))).toMatchObject({ code: Code.UNKNOWN, local: true });
  const theirs = new RpcError(Code.INTERNAL, "theirs");
  expect(RpcError.from(theirs)).toBe(theirs);
  expect(RpcError.local(theirs)).toMatchObject({ code: Code.INTERNAL, message: "theirs", local: true, cause: theirs });
  expect(theirs.local).toBe(false);
});

test("an error of another, older copy of the package becomes one of this", async () => {
  const brand = Symbol.for("trunkline.RpcError");
  const metadata = Metadata.fromFlat(["grpc-retry-pushback-ms", "-1"]);
  const old = { [brand]: true, code: Code.UNAVAILABLE, message: "old", details: [], metadata, header: Metadata.EMPTY };
  const error = RpcError.from(old);
  expect(error).toBeInstanceOf(RpcError);
  expect(error).toMatchObject({ code: Code.UNAVAILABLE, message: "old", local: false, final: true, cause: old });
  expect(error.with({ local: true }).local).toBe(true);
});

test("an error is never taken for a success, nor has it a code that there is not", () => {
  for (const code of [Code.OK, 99, -1, "NOT_FOUND", undefined]) {
    expect(new RpcError(code as Code, "x")).toMatchObject({ code: Code.UNKNOWN, codeName: "UNKNOWN" });
  }
});

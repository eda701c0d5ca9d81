import { expect, test } from "vitest";
import { Status } from "../../gen/google/rpc/status.ts";
import { Payload } from "../../gen/probe/v1/probe.ts";
import { Code } from "../../src/core/code.ts";
import { detail, RpcError } from "../../src/core/rpc-error.ts";
import { decodeDetails, encodeDetails } from "../../src/transport/rich-status.ts";

const more = detail(Payload, { text: "more" });

test("an error without details has no bytes", () => {
  expect(encodeDetails(new RpcError(Code.ABORTED, "no"))).toBeUndefined();
});

test("details are a google.rpc.Status with type URLs", () => {
  const bytes = encodeDetails(new RpcError(Code.ABORTED, "no", { details: [more] })) as Uint8Array;
  expect(Status.decode(bytes)).toEqual({
    code: 10,
    message: "no",
    details: [{ typeUrl: "type.googleapis.com/probe.v1.Payload", value: more.value }],
  });
  expect(decodeDetails(bytes)).toEqual([more]);
});

test("the name of a detail is what stands after the last slash of its type URL", () => {
  const of = (typeUrl: string) => {
    const status = Status.fromPartial({ details: [{ typeUrl, value: more.value }] });
    return decodeDetails(Status.encode(status).finish())[0]?.type;
  };
  expect(of("types.example.com/a/b/my.Type")).toBe("my.Type");
  expect(of("my.Type")).toBe("my.Type");
});

test("details that do not encode are left out, and the status stands", () => {
  const wrong = { type: "probe.v1.Payload", value: 7 as never };
  expect(encodeDetails(new RpcError(Code.ABORTED, "no", { details: [wrong] }))).toBeUndefined();
});

test("of more details than anybody sends the first hundred are kept", () => {
  const details = Array.from({ length: 1000 }, (_, i) => ({ typeUrl: `t${i}`, value: new Uint8Array(0) }));
  const kept = decodeDetails(Status.encode(Status.fromPartial({ details })).finish());
  expect(kept).toHaveLength(100);
  expect(kept[99]?.type).toBe("t99");
});

test("bytes that are no status have no details", () => {
  expect(decodeDetails(Uint8Array.of(0xff, 0xff, 0xff))).toEqual([]);
});

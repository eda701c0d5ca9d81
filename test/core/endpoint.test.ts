import { expect, test } from "vitest";
import { parseAddress } from "../../src/core/endpoint.ts";

test("what is no address is named without a login that stands in it", () => {
  const parse = (address: string) => () => parseAddress(address);
  expect(parse("etcd://root:secret@10.0.0.1:2379")).toThrow('"etcd://…@10.0.0.1:2379" is no address: write host:port');
  expect(parse("root:secret@10.0.0.1:2379/a")).toThrow('"…@10.0.0.1:2379/a" is no address');
  expect(parse("10.0.0.1:secret")).toThrow('"10.0.0.1:…" is no address');
  expect(parse("10.0.0.1:70000")).toThrow('"10.0.0.1:70000" is no address');
  expect(parse("10.0.0.1")).toThrow('"10.0.0.1" is no address');
});

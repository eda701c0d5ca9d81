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

test("a scheme that is none of gRPC's that are understood is told which there are", () => {
  const schemes = "or one of gRPC's schemes dns, ipv4, ipv6, unix and unix-abstract";
  for (const address of ["xds:///greeter", "http://10.0.0.1:50051", "passthrough:///a:1", "vsock:1:2"]) {
    expect(() => parseAddress(address)).toThrow(`"${address}" is no address: write host:port, with IPv6 in brackets`);
    expect(() => parseAddress(address)).toThrow(schemes);
  }
  expect(() => parseAddress("localhost")).not.toThrow(schemes);
});

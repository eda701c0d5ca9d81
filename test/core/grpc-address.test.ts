import { expect, test } from "vitest";
import { plainAddress, plainAddresses } from "../../src/core/grpc-address.ts";
import { shownUri } from "../../src/core/shown-uri.ts";

test.each([
  ["localhost:50051", "localhost:50051"],
  ["[::1]:50051", "[::1]:50051"],
  ["dns:///example.com:50051", "example.com:50051"],
  ["dns:example.com:50051", "example.com:50051"],
  ["DNS:///10.0.0.5:1", "10.0.0.5:1"],
  ["dns:///[::1]:50051", "[::1]:50051"],
  ["dns:///%5B::1%5D:50051", "[::1]:50051"],
  ["ipv4:10.0.0.5:50051", "10.0.0.5:50051"],
  ["ipv6:[2001:db8::5]:50051", "[2001:db8::5]:50051"],
  ["ipv6:%5B2001:db8::5%5D:50051", "[2001:db8::5]:50051"],
  ["ipv6:[fe80::1%25eth0]:50051", "[fe80::1%eth0]:50051"],
  ["ipv6:[fe80::1%eth0]:50051", "[fe80::1%eth0]:50051"],
  ["unix:/run/a.sock", "unix:/run/a.sock"],
  ["unix:///run/a.sock", "unix:/run/a.sock"],
  ["unix:a.sock", "unix:a.sock"],
  ["unix:50051", "unix:50051"],
  // Hosts that are called as schemes are.
  ["dns:50051", "dns:50051"],
  ["ipv4:50051", "ipv4:50051"],
])("%s is %s", (address, plain) => {
  expect(plainAddress(address)).toBe(plain);
});

test.runIf(process.platform === "linux")("unix-abstract: and a name is an address on Linux", () => {
  expect(plainAddress("unix-abstract:trunkline")).toBe("unix-abstract:trunkline");
});

test("with commas they are several", () => {
  expect(plainAddresses("ipv4:10.0.0.5:1,10.0.0.6:2")).toEqual(["10.0.0.5:1", "10.0.0.6:2"]);
  expect(plainAddresses("ipv6:[::1]:1,%5B::2%5D:2")).toEqual(["[::1]:1", "[::2]:2"]);
  expect(() => plainAddress("ipv4:10.0.0.5:1,10.0.0.6:2")).toThrow("is no address: it is several: give one");
});

const wanted = "after the scheme write a host and a port, with IPv6 in brackets ([::1]:50051)";

test.each([
  ["dns:///example.com", wanted],
  ["dns:", wanted],
  ["dns://8.8.8.8/example.com:1", "names are asked of this machine's own resolver: write dns:///host:port"],
  ["ipv4:10.0.0.5", wanted],
  ["ipv4:10.0.0.5:1,", wanted],
  ["ipv4:localhost:1", "localhost is no IPv4 address; a name is written dns:///host:port"],
  ["ipv4:[::1]:1", "::1 is no IPv4 address; a name is written dns:///host:port"],
  ["ipv6:10.0.0.5:1", "10.0.0.5 is no IPv6 address; a name is written dns:///host:port"],
  ["ipv6:::1:50051", wanted],
  ["unix:", "write unix: and a path"],
  ["unix://run/a.sock", "after unix:// the path begins with a third /"],
  ["unix-abstract:", "write unix-abstract: and a name"],
])("%s is none", (address, why) => {
  expect(() => plainAddress(address)).toThrow(new TypeError(`"${shownUri(address)}" is no address: ${why}`));
});

import { expect, test } from "vitest";
import { shownUri } from "../../src/core/shown-uri.ts";
import { remoteAddress, socketAddress } from "../../src/transport/address.ts";

test("a host and a port, with IPv6 in brackets, are an address", () => {
  expect(socketAddress("example.com:50051")).toEqual({ host: "example.com", port: 50_051 });
  expect(socketAddress("[::1]:0")).toEqual({ host: "::1", port: 0 });
});

test("unix: and a path is one, with or without slashes before it", () => {
  for (const address of ["unix:/run/a.sock", "unix:///run/a.sock"]) {
    expect(socketAddress(address)).toEqual({ path: "/run/a.sock" });
  }
  expect(socketAddress("unix:a.sock")).toEqual({ path: "a.sock" });
});

test("what is no address is named", () => {
  for (const address of ["", "host", "host:port", "host:70000", "::1:80", "unix:"]) {
    expect(() => socketAddress(address), address).toThrow(`"${shownUri(address)}" is no address`);
  }
});

test("the other end of a socket has an address, or is on a Unix socket", () => {
  expect(remoteAddress("::1", 5)).toBe("[::1]:5");
  expect(remoteAddress(undefined, undefined)).toBe("unix:");
});

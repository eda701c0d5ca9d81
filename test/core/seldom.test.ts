import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { seldom } from "../../src/core/seldom.ts";
import { bind } from "../../src/transport/bind.ts";
import { serverTls } from "../support/certs.ts";

test("a thing is said once, and then with how often it was left unsaid", () => {
  const said: object[] = [];
  const always = seldom<{ n: number }>(0, (fields) => said.push(fields));
  const once = seldom<{ n: number }>(1e9, (fields) => said.push(fields));
  expect([once({ n: 1 }), once({ n: 2 }), always({ n: 3 })]).toEqual([true, false, true]);
  expect(said).toEqual([
    { n: 1, unsaid: 0 },
    { n: 3, unsaid: 0 },
  ]);
});

test("handshakes that fail again and again are one warning, and the rest can be seen at debug", async () => {
  const lines: string[] = [];
  const logger = Object.fromEntries(
    ["debug", "info", "warn", "error"].map((level) => [
      level,
      (_fields: object, text: string) => lines.push(`${level}: ${text}`),
    ]),
  );
  const port = await bind("127.0.0.1:0", { tls: serverTls, logger: logger as never }, () => {});
  for (let i = 0; i < 5; i++) {
    const socket = connect(Number(port.address.split(":")[1]), "127.0.0.1");
    socket.on("error", () => {});
    socket.end("this is not TLS at all\r\n\r\n");
    socket.resume();
    await once(socket, "close");
  }
  port.stop();
  await port.closed;
  const failed = lines.filter((line) => line.endsWith("TLS handshake failed"));
  expect(failed).toEqual(["warn: TLS handshake failed", ...new Array(4).fill("debug: TLS handshake failed")]);
});

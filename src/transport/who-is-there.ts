import { connect, type Socket } from "node:net";
import type { ClientTls } from "../core/transport.ts";
import { socketAddress } from "./address.ts";
import { connectReason } from "./connect-reason.ts";
import { closedUngreeted, isCut, strangeGreeting, turnedAwayBy } from "./greeting.ts";
import { FrameType, PREFACE, writeFrameHeader } from "./http2/frame.ts";
import { clientTlsOptions, secure } from "./tls.ts";

/** More than a server says before it is asked anything. */
const MOST_BYTES = 64 * 1024;

/**
 * Looks what is wrong with a server that a library could not talk HTTP/2 to, and does not say why: connects once more, and
 * listens to what is said first. `undefined` where nothing is found within `timeoutMs`.
 */
export async function whatIsWrong(
  address: string,
  tls: ClientTls | undefined,
  timeoutMs: number,
): Promise<string | undefined> {
  const socket = connect(socketAddress(address)).on("error", () => {});
  socket.unref();
  let isLate = false;
  const late = setTimeout(() => {
    isLate = true;
    socket.destroy();
  }, timeoutMs).unref();
  try {
    const secured = tls === undefined ? socket : await secure(socket, clientTlsOptions(tls, address));
    const first = await greetingOf(secured);
    if (first.length === 0) return isLate ? undefined : closedUngreeted(tls);
    return strangeGreeting(first) ?? turnedAwayBy(first);
  } catch (error) {
    if (isLate) return undefined;
    return isCut(error) ? closedUngreeted(tls) : connectReason(error, { certificate: tls?.cert !== undefined });
  } finally {
    clearTimeout(late);
    socket.destroy();
  }
}

/** What a server says to a client of HTTP/2, until it closes the connection or has said enough. */
function greetingOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let said = Buffer.alloc(0);
    socket.on("data", (bytes: Buffer) => {
      said = Buffer.concat([said, bytes]);
      if (said.length > MOST_BYTES || strangeGreeting(said) !== undefined || turnedAwayBy(said) !== undefined) {
        resolve(said);
      }
    });
    socket.once("error", (error) => (said.length > 0 ? resolve(said) : reject(error)));
    socket.once("end", () => resolve(said));
    socket.once("close", () => resolve(said));
    const settings = Buffer.alloc(9);
    writeFrameHeader(settings, 0, 0, FrameType.SETTINGS, 0, 0);
    socket.write(Buffer.concat([PREFACE, settings]));
  });
}

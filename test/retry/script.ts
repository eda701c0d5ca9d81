import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Probe } from "../../gen/probe/v1/probe.rpc.ts";
import { Call, type CallInit, type Handler, type Reply } from "../../src/core/call.ts";
import { Code } from "../../src/core/code.ts";
import { Metadata } from "../../src/core/metadata.ts";
import { RpcError, type RpcErrorOptions } from "../../src/core/rpc-error.ts";

export const reply: Reply = { response: {}, header: Metadata.EMPTY, trailer: Metadata.EMPTY };

/** Declared NO_SIDE_EFFECTS. */
export const safe = Probe.methods.echo;
/** Declares nothing, so it may not be sent twice. */
export const unsafe = Greeter.methods.sayHelloAgain;

export function callOf(method: CallInit["method"], init: Partial<CallInit> = {}): Call {
  return new Call({ method, request: {}, ...init });
}

export function failure(code: keyof typeof Code, options: RpcErrorOptions = {}): RpcError {
  return new RpcError(Code[code], "as asked", { peer: "10.0.0.1:50051", ...options });
}

export function pushback(value: string): RpcErrorOptions {
  return { metadata: Metadata.fromFlat(["grpc-retry-pushback-ms", value]) };
}

type Step = RpcError | Reply | ((call: Call) => Promise<Reply>);

/** A handler that answers its calls one after the other as written, the last step for all that follow. */
export function script(...steps: Step[]): { handler: Handler; calls: Call[] } {
  const calls: Call[] = [];
  const handler: Handler = (call) => {
    const step = steps[Math.min(calls.length, steps.length - 1)] as Step;
    calls.push(call);
    if (typeof step === "function") return step(call);
    return RpcError.is(step) ? Promise.reject(step) : Promise.resolve(step);
  };
  return { handler, calls };
}

export async function collect(messages: unknown): Promise<unknown[]> {
  const collected: unknown[] = [];
  for await (const message of messages as AsyncIterable<unknown>) collected.push(message);
  return collected;
}

import type { Client } from "../client/client.ts";
import { Code } from "../core/code.ts";
import type { Method, Service } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Implementation } from "../server/implementation.ts";
import { inMemory } from "./in-memory.ts";

/**
 * A client for code that takes one, answered by functions of the test's. What is left out answers UNIMPLEMENTED and says
 * so. What the functions get and give is encoded and decoded, so that what could not be sent fails here as well. It
 * holds nothing that must be closed.
 *
 * ```ts
 * const greeter = fakeClient(Greeter, { sayHello: ({ name }) => ({ message: `Hello ${name}` }) });
 * ```
 */
export function fakeClient<M>(service: Service<M>, answers: Partial<Implementation<M>> = {}): Client<M> {
  const implementation: Record<string, unknown> = { ...answers };
  for (const key of Object.keys(service.methods as Record<string, Method>)) {
    implementation[key] ??= () => {
      throw new RpcError(Code.UNIMPLEMENTED, `the fake of ${service.name} has no ${key}: give fakeClient one`);
    };
  }
  // The one cast: each method has its function now.
  return inMemory((server) => server.add(service, implementation as never)).client(service);
}

import type { Client } from "../client/client.ts";
import { checkService } from "../core/check-service.ts";
import { Code } from "../core/code.ts";
import type { Method, Service } from "../core/method.ts";
import { RpcError } from "../core/rpc-error.ts";
import type { Implementation } from "../server/implementation.ts";
import { inMemory } from "./in-memory.ts";

/**
 * A client for code that takes one, answered by functions of the test's. What is left out answers UNIMPLEMENTED and says
 * so. They may be the methods of an object, which is their `this`. What the functions get and give is encoded and
 * decoded, so that what could not be sent fails here as well. It holds nothing that must be closed.
 *
 * ```ts
 * const greeter = fakeClient(Greeter, { sayHello: ({ name }) => ({ message: `Hello ${name}` }) });
 * ```
 */
export function fakeClient<M>(service: Service<M>, answers: Partial<Implementation<M>> = {}): Client<M> {
  checkService(service, "fakeClient");
  const given = answers as Readonly<Record<string, unknown>>;
  const implementation: Record<string, unknown> = {};
  for (const key of Object.keys(service.methods as Record<string, Method>)) {
    const answer = given[key] ?? missing(service.name, key);
    implementation[key] = typeof answer === "function" ? answer.bind(answers) : answer;
  }
  // The one cast: each method has its function now.
  return inMemory((server) => server.add(service, implementation as never)).client(service);
}

function missing(service: string, key: string): () => never {
  return () => {
    throw new RpcError(Code.UNIMPLEMENTED, `the fake of ${service} has no ${key}: give fakeClient one`);
  };
}

import { type Client, Code, type Interceptor, RpcError, valueKey } from "trunkline";
import { fakeClient, handlerContext, injectFaults, inMemory } from "trunkline/testing";
import { expect, test } from "vitest";
import { Greeter } from "../../gen/greeter/v1/greeter.rpc.ts";
import { Call } from "../../src/core/call.ts";
import { Cancellation } from "../../src/core/cancellation.ts";
import { greetings } from "../support/greeter.ts";

const codeOf = (failed: Promise<unknown>) =>
  failed.then(
    () => "OK",
    (error) => RpcError.from(error).codeName,
  );

test("a fake client answers by the test's functions, in every shape", async () => {
  const greeter: Client<typeof Greeter> = fakeClient(Greeter, {
    sayHello: ({ name }, { metadata }) => ({ message: `${metadata.get("x-greeting")} ${name}` }),
    async *chat(hellos) {
      for await (const { name } of hellos) yield { message: name };
    },
  });
  expect(await greeter.sayHello({ name: "Ada" }, { metadata: { "x-greeting": "Hi" } })).toEqual({ message: "Hi Ada" });
  const said: string[] = [];
  for await (const { message } of greeter.chat([{ name: "a" }, { name: "b" }])) said.push(message);
  expect(said).toEqual(["a", "b"]);
});

test("what a fake client was not given answers UNIMPLEMENTED and names it", async () => {
  const greeter = fakeClient(Greeter);
  await expect(greeter.sayHello({})).rejects.toThrow("the fake of greeter.v1.Greeter has no sayHello");
  await expect(greeter.chat([]).next()).rejects.toMatchObject({ codeName: "UNIMPLEMENTED" });
});

test("what could not be sent to a server is not sent to a fake", async () => {
  const greeter = fakeClient(Greeter, { sayHello: () => ({ message: 5 as never }) });
  expect(await codeOf(greeter.sayHello({}))).toBe("INTERNAL");
});

test("a handler's context has what the test gives it, and what the handler set", async () => {
  const user = valueKey<{ name: string }>("user");
  const controller = new AbortController();
  const context = handlerContext({
    method: Greeter.methods.sayHello,
    metadata: { "x-tenant": "acme" },
    timeoutMs: 60_000,
    signal: controller.signal,
    peer: { address: "10.0.0.5:1" },
    values: [[user, { name: "Ada" }]],
  });
  expect(context.metadata.get("x-tenant")).toBe("acme");
  expect(context.remainingMs).toBeGreaterThan(50_000);
  expect(context.method.name).toBe("SayHello");
  expect(context.peer.address).toBe("10.0.0.5:1");
  expect(context.get(user)).toEqual({ name: "Ada" });
  controller.abort();
  expect(context.signal.aborted).toBe(true);
  context.trailer = { "x-served-by": "test" };
  expect(context.trailer.get("x-served-by")).toBe("test");
});

test("an empty context has no deadline, nobody who calls and nothing that ends it", () => {
  const context = handlerContext();
  expect(context.remainingMs).toBe(Number.POSITIVE_INFINITY);
  expect(context.peer.address).toBe("");
  expect(context.signal.aborted).toBe(false);
});

test("a server in memory has its interceptors, and closes at once though a call is under way", async () => {
  const refuse: Interceptor = () => async () => {
    throw new RpcError(16, "who are you?");
  };
  await using closed = inMemory((server) => server.add(Greeter, greetings), { server: { interceptors: [refuse] } });
  expect(await codeOf(closed.client(Greeter).sayHello({}))).toBe("UNAUTHENTICATED");

  const busy = inMemory((server) => server.add(Greeter, { ...greetings, sayHelloAgain: () => new Promise(() => {}) }));
  // Not one that is sent again.
  const call = codeOf(busy.client(Greeter).sayHelloAgain({}));
  await busy.client(Greeter).sayHello({});
  await busy.close();
  expect(await call).toBe("UNAVAILABLE");
});

test("a fake's functions may be the methods of an object, which is their `this`", async () => {
  class Fake {
    readonly #greeting = "Hi";
    calls = 0;
    sayHello({ name }: { name: string }) {
      this.calls++;
      return { message: `${this.#greeting} ${name}` };
    }
  }
  const fake = new Fake();
  expect(await fakeClient(Greeter, fake).sayHello({ name: "Ada" })).toEqual({ message: "Hi Ada" });
  expect(fake.calls).toBe(1);
});

test("a handler's context aborts its signal at the deadline", async () => {
  const { signal } = handlerContext({ timeoutMs: 20 });
  expect(signal.aborted).toBe(false);
  await expect.poll(() => signal.aborted).toBe(true);
  expect(signal.reason).toMatchObject({ codeName: "DEADLINE_EXCEEDED" });
});

test("a handler's context drains when the test says so", () => {
  const controller = new AbortController();
  const { draining } = handlerContext({ draining: controller.signal });
  expect(draining.aborted).toBe(false);
  controller.abort();
  expect(draining.aborted).toBe(true);
});

test.each([
  [{ timeout: 5 }, 'handlerContext has no option "timeout": did you mean timeoutMs?'],
  [{ header: {} }, 'handlerContext has no option "header": there are method, metadata, timeoutMs, '],
  [null, "the options of handlerContext are null: give an object"],
  [{ timeoutMs: "500" }, 'timeoutMs is "500": give a number from 0, or Infinity for no limit'],
  [{ timeoutMs: Number.NaN }, "timeoutMs is NaN: give a number from 0"],
  [{ method: "SayHello" }, 'method of handlerContext is "SayHello": give one of a service: Greeter.methods.sayHello'],
  [{ method: Greeter }, "method of handlerContext is an object that is none: give one of a service"],
  [{ metadata: null }, 'metadata of handlerContext is null: give an object: { "x-tenant": "acme" }'],
  [{ metadata: { "x-n": 5 } }, 'metadata "x-n" is a number'],
  [{ signal: new AbortController() }, "signal of handlerContext is an object that is none: give an AbortSignal"],
  [{ draining: true }, "draining of handlerContext is true: give an AbortSignal"],
  [{ peer: "10.0.0.5:1" }, 'peer of handlerContext is "10.0.0.5:1": give an object: { address: '],
  [
    { values: { user: "Ada" } },
    "values of handlerContext is an object that is none: give pairs of a key and its value",
  ],
  [{ values: ["ab"] }, 'a pair in values of handlerContext is "ab": give a valueKey and its value'],
  [{ values: [undefined] }, "a pair in values of handlerContext is null: give a valueKey and its value"],
  [{ values: [["user", "Ada"]] }, "a pair in values of handlerContext is an array: give a valueKey and its value"],
])("a handler's context refuses %j and says what to give", (init, message) => {
  expect(() => handlerContext(init as never)).toThrow(TypeError);
  expect(() => handlerContext(init as never)).toThrow(message);
});

test.each([
  [{ failShare: 50 }, "failShare is 50: give a number from 0 to 1"],
  [{ delayMs: "50" }, 'delayMs is "50": give a number from 0'],
  [{ code: "UNAVAILABEL" }, 'code is "UNAVAILABEL": give the name of a status code'],
])("faults that cannot be are refused: %j", (options, message) => {
  expect(() => injectFaults(options as never)).toThrow(message);
});

test("a call that is held up by a fault is let go of when it ends", async () => {
  const cancellation = new Cancellation();
  const call = new Call({ method: Greeter.methods.sayHello, request: {}, cancellation });
  const held = injectFaults({ delayMs: 3_600_000 })(() => expect.fail("it was handed on"))(call);
  const reason = new RpcError(Code.CANCELLED, "the caller has left");
  cancellation.cancel(reason);
  await expect(held).rejects.toBe(reason);
});

test("what a generator gives is attached to a handler's context as well", () => {
  const user = valueKey<string>("user");
  function* values() {
    yield [user, "Ada"] as const;
  }
  expect(handlerContext({ values: values(), timeoutMs: Number.POSITIVE_INFINITY }).get(user)).toBe("Ada");
});

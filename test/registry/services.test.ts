import { expect, test } from "vitest";
import { createFacts } from "../../src/core/facts.ts";
import { goNaming } from "../../src/registry/etcd/dialects/go-naming.ts";
import type { Entry } from "../../src/registry/etcd/keys.ts";
import { listServices } from "../../src/registry/etcd/services.ts";
import { createLog } from "../support/log.ts";

/** An etcd of one page for each service, and how many of them were asked for. */
function pagesOf(services: readonly string[], bytes: number) {
  const asked: string[] = [];
  async function* scan() {
    for (const service of services) {
      asked.push(service);
      const value = '{"Op":0,"Addr":"10.0.0.1:1000"}';
      const entry: Entry = { key: `${service}/10.0.0.1:1000`, value, modRevision: "1", leaseId: "0" };
      yield { entries: [entry], bytes };
    }
  }
  return { asked, client: { scan } };
}

const services = ["a.A", "a.B", "a.C", "a.D"];

test("services are listed from no more bytes than there may be, and the log says that it ended there", async () => {
  const { asked, client } = pagesOf(services, 1_000);
  const log = createLog();
  expect(
    await listServices(client, [goNaming()], createFacts({ logger: log }), { maxKeys: 100, maxBytes: 2_000 }),
  ).toEqual(["a.A", "a.B", "a.C"]);
  expect(asked).toEqual(["a.A", "a.B", "a.C"]);
  expect(log.of("warn").map(({ fields }) => fields)).toEqual([{ root: "", maxKeys: 100, maxBytes: 2_000 }]);
});

test("and from no more keys", async () => {
  const { client } = pagesOf(services, 1_000);
  const log = createLog();
  expect(await listServices(client, [goNaming()], createFacts({ logger: log }), { maxKeys: 2, maxBytes: 1e9 })).toEqual(
    ["a.A", "a.B"],
  );
  expect(log.of("warn")).toHaveLength(1);
});

test("where there is less nothing is logged", async () => {
  const { client } = pagesOf(services, 1_000);
  const log = createLog();
  expect(await listServices(client, [goNaming()], createFacts({ logger: log }))).toEqual(services);
  expect(log.of("warn")).toEqual([]);
});

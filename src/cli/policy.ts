import { hostname, userInfo } from "node:os";
import type { JsonObject } from "../core/json-object.ts";
import type { PolicyRevision, PolicyStore } from "../core/policy-source.ts";
import { checkServicePolicy, type ServicePolicy } from "../core/service-policy.ts";
import { shownUri } from "../core/shown-uri.ts";
import { type Command, command } from "./command.ts";
import { withField } from "./policy-fields.ts";
import { readPolicyFile } from "./policy-file.ts";
import { changeText, historyText, policyText } from "./policy-text.ts";
import { registryFlag, registryUri } from "./registry-flag.ts";
import { didYouMean } from "./suggest.ts";
import type { Terminal } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

interface Asked {
  readonly store: PolicyStore;
  readonly service: string;
  readonly rest: readonly string[];
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly json: boolean;
  readonly by: string;
  readonly note: string | undefined;
  readonly file: string | undefined;
  readonly expected: number | undefined;
}

/** Each gives the exit code. */
const actions: Readonly<Record<string, (asked: Asked) => Promise<number>>> = { get, set, history, rollback };

/** `trunkline policy` */
export const policy: Command = command({
  name: "policy",
  usage: "get|set|history|rollback <service> [field=value …] [flags]",
  description:
    "Shows and changes what operators say of a service while programs run: timeouts, retries and the rest. " +
    "* stands for every service.",
  choices: Object.keys(actions),
  flags: {
    registry: registryFlag,
    file: { type: "string", short: "f", value: "FILE", summary: "set: the whole policy as JSON; - for stdin." },
    note: { type: "string", value: "TEXT", summary: "set, rollback: why; it is kept in the history." },
    by: { type: "string", value: "NAME", summary: "set, rollback: who; user@host by default." },
    expect: {
      type: "string",
      value: "REVISION",
      summary: "set, rollback: refuse where the policy is no longer at this revision.",
    },
    json: { type: "boolean", summary: "Print a line of JSON for each policy." },
  },
  examples: [
    "trunkline policy set greeter.v1.Greeter timeoutMs=500 methods.SayHello.retry=false --note 'the disk is slow'",
    "trunkline policy history greeter.v1.Greeter",
    "trunkline policy rollback greeter.v1.Greeter",
  ],
  async run({ values, positionals, terminal, signal }) {
    const [name = "", service, ...rest] = positionals;
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (action === undefined) throw unknownAction(name);
    if (service === undefined && name !== "get") {
      throw new UsageError(`of which service? trunkline policy ${name} <service>, or * for every service`);
    }
    const uri = registryUri(values.registry, terminal);
    if (uri === undefined) throw new UsageError("which registry? give --registry URI, or set TRUNKLINE_REGISTRY");
    const { note, file, json = false } = values;
    const by = values.by ?? `${userInfo().username}@${hostname()}`;
    const expected = revisionOf("--expect", values.expect);
    const store = await openPolicies(uri);
    try {
      return await action({ store, service: service ?? "", rest, terminal, signal, json, by, note, file, expected });
    } finally {
      await store.close();
    }
  },
});

async function get({ store, service, rest, terminal, json }: Asked): Promise<number> {
  noMore(rest);
  const services = service === "" ? await store.services() : [service];
  if (services.length === 0) terminal.note("no policies");
  let code = 0;
  for (const each of services) {
    try {
      const found = await store.get(each);
      if (found === undefined) terminal.note(`no policy is set for ${each}`);
      else await terminal.print(...(json ? [JSON.stringify(found)] : policyText(found)));
    } catch (error) {
      // What somebody wrote by hand hides none of the others.
      if (!(error instanceof TypeError)) throw error;
      terminal.note(error.message);
      code = 1;
    }
  }
  return code;
}

async function set(asked: Asked): Promise<number> {
  const { store, service, rest, terminal, signal, file } = asked;
  if (file === undefined && rest.length === 0) {
    throw new UsageError("set what? give field=value, such as timeoutMs=500, or --file FILE");
  }
  const given = file === undefined ? undefined : await readPolicyFile(file, terminal.stdin, signal);
  // Of what is garbage, and is replaced as a whole, nothing need be known.
  const before = await store.get(service).catch((error) => {
    if (given !== undefined && error instanceof TypeError) return undefined;
    throw error;
  });
  const start = given?.policy ?? before?.policy ?? {};
  const next: unknown = rest.reduce(withField, start as JsonObject);
  try {
    checkServicePolicy(service, next);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return change(asked, before, next, given?.revision ?? before?.revision);
}

async function history({ store, service, rest, terminal, json }: Asked): Promise<number> {
  noMore(rest);
  const all = await store.history(service);
  if (all.length === 0) terminal.note(`no policy was ever set for ${service}`);
  await terminal.print(...(json ? all.map((each) => JSON.stringify(each)) : historyText(all)));
  return 0;
}

async function rollback(asked: Asked): Promise<number> {
  const { store, service, rest } = asked;
  const [to, ...more] = rest;
  noMore(more);
  const wanted = revisionOf("the revision", to);
  const all = await store.history(service);
  const before = await store.get(service).catch(() => undefined);
  const target =
    wanted === undefined
      ? all.find(({ revision }) => revision !== before?.revision)
      : all.find(({ revision }) => revision === wanted);
  if (target === undefined) {
    const which = wanted === undefined ? "none before this one" : `no revision ${wanted}`;
    const known = all.map(({ revision }) => revision).join(", ") || "nothing";
    throw new Error(`the history of ${service} has ${which}: it has ${known}`);
  }
  const note = asked.note ?? `back to revision ${target.revision}`;
  return change({ ...asked, note }, before, target.policy, before?.revision);
}

async function change(
  { store, service, terminal, json, by, note, expected }: Asked,
  before: PolicyRevision | undefined,
  policy: ServicePolicy,
  from: number | undefined,
): Promise<number> {
  const after = await store.set(service, { policy, by, note, expected: expected ?? from });
  await terminal.print(...(json ? [JSON.stringify(after)] : changeText(before, after)));
  return 0;
}

function revisionOf(what: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,15}$/.test(given)) {
    throw new UsageError(`${what} ${shownUri(given)} is no revision: give the number that history shows`);
  }
  return Number(given);
}

function noMore([first]: readonly string[]): void {
  if (first !== undefined) throw new UsageError(`what is "${shownUri(first)}" for?`);
}

async function openPolicies(uri: string): Promise<PolicyStore> {
  if (!/^(etcds?|https?):\/\//i.test(uri.trim())) {
    throw new UsageError("policies stand in etcd: write --registry etcd://HOST:PORT");
  }
  const { etcdPolicies } = await import("../registry/etcd/index.ts");
  try {
    return etcdPolicies(uri);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function unknownAction(name: string): UsageError {
  const known = Object.keys(actions);
  if (name === "") return new UsageError(`trunkline policy takes one of ${known.join(", ")}`);
  return new UsageError(
    `trunkline policy has no ${shownUri(name)}${didYouMean(name, known)}; it has: ${known.join(", ")}`,
  );
}

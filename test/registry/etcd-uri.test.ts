import { expect, test } from "vitest";
import { etcdSettings } from "../../src/registry/etcd/settings.ts";
import { parseEtcdUri } from "../../src/registry/etcd/uri.ts";

test("a URI names hosts, user, namespace, lease, dialects and files", () => {
  const uri =
    "etcds://me:p%40ss:word@a:1,b,[::1]:3,[::2]/team/?ttl=7&dialects=go-naming,kratos&ca=ca.pem&key=k.pem&serverName=etcd";
  expect(parseEtcdUri(uri)).toEqual({
    hosts: ["a:1", "b:2379", "[::1]:3", "[::2]:2379"],
    secure: true,
    username: "me",
    password: "p@ss:word",
    namespace: "team/",
    ttlSeconds: 7,
    dialects: ["go-naming", "kratos"],
    serverName: "etcd",
    files: { ca: "ca.pem", key: "k.pem" },
  });
});

test("http, https, etcd, etcds and a bare address are understood", () => {
  const read = (uri: string) => [parseEtcdUri(uri).secure, ...parseEtcdUri(uri).hosts];
  expect(read("http://a:1")).toEqual([false, "a:1"]);
  expect(read("https://a:1")).toEqual([true, "a:1"]);
  expect(read("etcd://a:1/")).toEqual([false, "a:1"]);
  expect(read("etcds://a")).toEqual([true, "a:2379"]);
  expect(read("a:1")).toEqual([false, "a:1"]);
});

test.each([
  ["redis://a:1", "redis:// is none of etcd://"],
  ["constructor://a:1", "constructor:// is none of etcd://"],
  ["etcd://", "it has no host"],
  ["", "it has no host"],
  ["etcd://a:1,,b:1", "is no address"],
  ["etcd://a:99999", '"a:99999" is no address'],
  ["etcd://a:1:2", '"a:1:2" is no address'],
  ["etcd://::1", '"::1" is no address'],
  ["etcd://a b:1", "is no address"],
  ["etcd://a:1?tll=3", 'there is no parameter "tll"'],
  ["etcd://a:1/%zz", "a % in it"],
])("%j is refused: %s", (uri, why) => {
  expect(() => parseEtcdUri(uri)).toThrow(why);
});

test("a refused URI is shown without its password", () => {
  for (const uri of ["redis://me:secret@a:1", "etcd://me:sec@ret@a:1", "me:secret@a:1?x=1"]) {
    expect(() => parseEtcdUri(uri)).toThrow(TypeError);
    expect(() => parseEtcdUri(uri)).not.toThrow(/sec/);
  }
});

test("options stand over the URI, and both have defaults", () => {
  const uri = "etcd://me:one@a:1/x/?ttl=7&dialects=kitex";
  expect(etcdSettings(uri, {})).toMatchObject({ username: "me", password: "one", namespace: "x/", ttlSeconds: 7 });
  expect(etcdSettings(uri, { password: "two", namespace: "y/", ttlSeconds: 8 })).toMatchObject({
    username: "me",
    password: "two",
    namespace: "y/",
    ttlSeconds: 8,
  });
  expect(etcdSettings(["http://a:1", "b:2"], {})).toMatchObject({
    hosts: ["a:1", "b:2"],
    namespace: "",
    ttlSeconds: 10,
    dialects: [{ name: "go-naming" }],
    tls: undefined,
  });
  expect(etcdSettings(uri, {}).dialects.map(({ name }) => name)).toEqual(["kitex"]);
});

test("what cannot be right is refused by name", () => {
  expect(() => etcdSettings("a:1?client=curl", {})).toThrow('no client "curl" for etcd');
  expect(() => etcdSettings([], {})).toThrow("at least one host");
  expect(() => etcdSettings(["http://a:1", "https://b:1"], {})).toThrow("not both");
  expect(() => etcdSettings("http://a:1", { tls: {} })).toThrow("hosts say http://");
  expect(() => etcdSettings("etcd://a:1?ttl=soon", {})).toThrow(
    '"etcd://a:1?ttl=soon" names no etcd: ttl is "soon": give whole seconds',
  );
  expect(() => etcdSettings("etcd://a:1 # for now", {})).toThrow("there is a # behind its host");
  expect(() => etcdSettings("a:1", { ttlSeconds: 0.5 })).toThrow("ttlSeconds is 0.5");
  expect(() => etcdSettings("a:1?dialects=consul", {})).toThrow('"consul" is no dialect; there are go-naming');
  expect(() => etcdSettings("a:1", { dialects: [] })).toThrow("at least one dialect");
  expect(() => etcdSettings("etcds://127.0.0.1:1?serverName=x", {})).not.toThrow();
  expect(() => etcdSettings("etcds://a:1?ca=/nowhere.pem", {})).toThrow(/caFile \/nowhere\.pem cannot be read/);
});

test.each<[name: "ttlSeconds" | "callTimeoutMs" | "relistMs" | "doubtMs", value: number]>([
  ["ttlSeconds", 0],
  ["ttlSeconds", Number.POSITIVE_INFINITY],
  ["callTimeoutMs", 0],
  ["callTimeoutMs", -5],
  ["callTimeoutMs", 2500.5],
  ["callTimeoutMs", Number.POSITIVE_INFINITY],
  ["callTimeoutMs", 2 ** 31],
  ["relistMs", 0],
  ["relistMs", Number.NaN],
  ["doubtMs", -1],
])("a %s of %d is refused, with what it may be", (name, value) => {
  expect(() => etcdSettings("a:1", { [name]: value })).toThrow(`${name} is ${value}: give a whole number from`);
});

test("no full lists, no end of doubt, and a lease for years may be asked for", () => {
  const given = { relistMs: Number.POSITIVE_INFINITY, doubtMs: Number.POSITIVE_INFINITY, ttlSeconds: 7_000_000 };
  expect(etcdSettings("a:1", given)).toMatchObject(given);
});

test.runIf(Number.parseInt(process.versions.node, 10) >= 25)(
  "an address that TLS cannot verify is refused at once",
  () => {
    expect(() => etcdSettings("etcds://127.0.0.1:1/?client=etcd3", {})).toThrow(
      /127.0.0.1:1 cannot be verified.*serverName/,
    );
    expect(() => etcdSettings(["https://a:1", "https://[::1]:1"], { tls: {}, client: "etcd3" })).toThrow(
      "[::1]:1 cannot be verified",
    );
  },
);

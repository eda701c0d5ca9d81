/** Where a package's `.proto` files stand in it, and in the folder that everything is compiled in. */
export interface Root {
  readonly from: string;
  /** The path before each import of them; the folder itself by default. */
  readonly to?: string;
}

/** A published package with `.proto` files, for the ordinary client of its registry. */
export interface Package {
  readonly client: "go" | "npm" | "maven";
  readonly name: string;
  readonly version: string;
  readonly roots: readonly Root[];
}

/** A contract that somebody else wrote, and lives with. */
export interface Tree {
  readonly name: string;
  /** Of two files with one path that of the first stands. */
  readonly packages: readonly Package[];
  /** Folders of which code is made; what they import comes along. */
  readonly generate: readonly string[];
  /** Folders and files that do not compile by themselves, whoever compiles them. */
  readonly without?: readonly string[];
}

const kubernetes = (name: string): Package => ({
  client: "go",
  name: `k8s.io/${name}`,
  version: "v0.37.2",
  roots: [{ from: ".", to: `k8s.io/${name}` }],
});

const gogo: Package = {
  client: "go",
  name: "github.com/cosmos/gogoproto",
  version: "v1.7.2",
  roots: [{ from: "gogoproto", to: "gogoproto" }],
};

const googleapis: Package = {
  client: "npm",
  name: "google-proto-files",
  version: "6.0.1",
  roots: [
    { from: "google", to: "google" },
    { from: "grafeas", to: "grafeas" },
  ],
};

const gateway: Package = {
  client: "go",
  name: "github.com/grpc-ecosystem/grpc-gateway/v2",
  version: "v2.33.0",
  roots: [{ from: "protoc-gen-openapiv2", to: "protoc-gen-openapiv2" }],
};

const inTemporal = "sdk-core/crates/protos/protos";

/** What the others of Google share, and much else imports: small enough to be held at each test. */
export const common: Tree = {
  name: "google-common",
  packages: [{ client: "npm", name: "google-gax", version: "6.17.0", roots: [{ from: "build/protos" }] }],
  generate: ["api", "cloud", "iam", "logging", "longrunning", "monitoring", "rpc", "type"].map(
    (each) => `google/${each}`,
  ),
};

export const trees: readonly Tree[] = [
  common,
  {
    name: "googleapis",
    packages: [googleapis],
    generate: ["."],
    without: ["google/ads", "google/cloud", "google/protobuf"],
  },
  { name: "google-cloud", packages: [googleapis], generate: ["google/cloud"] },
  { name: "google-ads", packages: [googleapis], generate: ["google/ads/googleads/v25", "google/ads/admanager"] },
  {
    name: "envoy",
    packages: [
      { client: "maven", name: "io.envoyproxy.controlplane:api", version: "1.0.49", roots: [{ from: "." }] },
      {
        client: "maven",
        name: "com.google.api.grpc:proto-google-common-protos",
        version: "2.63.2",
        roots: [{ from: "." }],
      },
    ],
    generate: ["."],
  },
  {
    name: "kubernetes",
    packages: [
      "api",
      "apimachinery",
      "cri-api",
      "kubelet",
      "apiextensions-apiserver",
      "kube-aggregator",
      "metrics",
    ].map(kubernetes),
    generate: ["k8s.io"],
    without: ["v1alpha1", "v1beta1"].map((version) => `k8s.io/kubelet/pkg/apis/pluginregistration/${version}`),
  },
  {
    name: "etcd",
    packages: [
      { client: "go", name: "go.etcd.io/etcd/api/v3", version: "v3.7.3", roots: [{ from: ".", to: "etcd/api" }] },
      gateway,
      googleapis,
    ],
    generate: ["etcd"],
    without: ["etcd/api/etcdserverpb/raft_internal.proto"],
  },
  {
    name: "opentelemetry",
    packages: [
      {
        client: "maven",
        name: "io.opentelemetry.proto:opentelemetry-proto",
        version: "1.11.0-alpha",
        roots: [{ from: "." }],
      },
    ],
    generate: ["."],
  },
  {
    name: "temporal",
    packages: [
      {
        client: "npm",
        name: "@temporalio/core-bridge",
        version: "1.24.0",
        roots: ["api_upstream", "api_cloud_upstream", "testsrv_upstream", "local", "."].map((from) => ({
          from: `${inTemporal}/${from}`,
        })),
      },
    ],
    generate: ["temporal"],
    without: ["api_upstream", "api_cloud_upstream", "testsrv_upstream", "local"],
  },
  {
    name: "cosmos",
    packages: [
      { client: "go", name: "github.com/cosmos/cosmos-sdk", version: "v0.50.14", roots: [{ from: "proto" }] },
      { client: "go", name: "github.com/cometbft/cometbft", version: "v0.38.17", roots: [{ from: "proto" }] },
      { client: "npm", name: "@protobufs/cosmos_proto", version: "0.0.10", roots: [{ from: ".", to: "cosmos_proto" }] },
      gogo,
      googleapis,
    ],
    generate: ["cosmos", "tendermint"],
  },
  {
    name: "containerd",
    packages: [
      {
        client: "go",
        name: "github.com/containerd/containerd/api",
        version: "v1.12.0",
        roots: [{ from: "." }],
      },
      googleapis,
    ],
    generate: ["events", "runtime", "services", "types"],
  },
  {
    name: "protovalidate",
    packages: [
      { client: "maven", name: "build.buf:protovalidate", version: "1.3.0", roots: [{ from: "." }] },
      { client: "go", name: "buf.build/go/protovalidate", version: "v1.4.0", roots: [{ from: "proto" }] },
    ],
    generate: ["."],
    without: ["bench", "native_test"].map((each) => `tests/example/v1/${each}.proto`),
  },
];

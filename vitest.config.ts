import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["@trunkline/source", "node"] },
  ssr: { resolve: { conditions: ["@trunkline/source", "node"] } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/interop/**"],
    globalSetup: ["test/support/install-etcd.ts", "test/support/install-nginx.ts", "test/support/install-shells.ts"],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
    coverage: { provider: "v8", include: ["src/**"] },
  },
});

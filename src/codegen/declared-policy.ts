import { type DescMethod, type DescService, getOption, hasOption, type Registry } from "@bufbuild/protobuf";

/** `trunkline.v1.Policy` as a `.proto` has it. What is not declared is `undefined`. */
export interface DeclaredPolicy {
  readonly timeoutMs?: number;
  readonly retry?: DeclaredRetry;
  readonly hedge?: DeclaredHedge;
  readonly maxRequestBytes?: number;
  readonly maxResponseBytes?: number;
  readonly waitForReady?: boolean;
  readonly auth?: DeclaredAuth;
}

export interface DeclaredAuth {
  readonly public?: boolean;
  readonly scopes: readonly string[];
}

export interface DeclaredRetry {
  readonly maxAttempts?: number;
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  readonly backoffMultiplier?: number;
  readonly codes: readonly number[];
}

export interface DeclaredHedge {
  readonly maxAttempts?: number;
  readonly delayMs?: number;
}

/** The number of `trunkline.v1.method` and of `trunkline.v1.service`. */
export const optionNumber = 77001;

/** Reads the policy option of a method or a service; `undefined` where it has none. */
export function declaredPolicy(of: DescMethod | DescService, registry: Registry): DeclaredPolicy | undefined {
  const extension = registry.getExtension(of.kind === "rpc" ? "trunkline.v1.method" : "trunkline.v1.service");
  if (extension === undefined || extension.number !== optionNumber || !hasOption(of, extension)) return undefined;
  // The registry is made from the request, so its types are known only at run time: this is trunkline.v1.Policy.
  return getOption(of, extension) as DeclaredPolicy;
}

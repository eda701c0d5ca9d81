/** What happens to the policies that operators change while a process runs. */
export interface PolicyFacts {
  /** A policy holds from now on that is another than before; at the start each that holds. */
  "policy-set": {
    readonly service: string;
    readonly revision: number;
    readonly by: string;
    readonly at: string | undefined;
    readonly note: string | undefined;
    /** What is another, by field: `{ timeoutMs: "500 -> 200" }`; `-` is not set. */
    readonly changed: Readonly<Record<string, string>>;
  };
  /** Its key is gone: it holds no longer. */
  "policy-deleted": {
    readonly service: string;
    readonly revision: number;
    readonly changed: Readonly<Record<string, string>>;
  };
  /** What stands there is not valid: what held before it stands. */
  "policy-invalid": { readonly key: string; readonly revision: string; readonly reason: string };
  /** A part of it is nothing to the service: it has no such method, say. */
  "policy-unfit": { readonly service: string; readonly revision: number; readonly reason: string };
  /** They cannot be asked for: those that are known stand. */
  "policies-lost": { readonly reason: string };
  "policies-restored": { readonly policies: number };
  /** Where they stood the data is gone: those that are known stand until others are set. */
  "policies-outlived": { readonly reason: string };
}

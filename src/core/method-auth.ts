/** Who may call a method, as its contract declares it: by `{}` whoever is known. */
export interface MethodAuth {
  /** Everybody, without credentials. */
  readonly public?: boolean;
  /** What the caller must have been granted, all of it. */
  readonly scopes?: readonly string[];
}

/** A login's token, fetched when it is first needed and again when etcd no longer takes it. */
export interface Tokens {
  /** What the last login gave, to be sent with a call. */
  readonly latest: string | undefined;
  /** Logs in where that has not been done, once for all who ask at the same time. */
  get(): Promise<string | undefined>;
  /** etcd refused this token; a newer one stays. */
  drop(token: string | undefined): void;
}

export const noTokens: Tokens = { latest: undefined, get: async () => undefined, drop: () => {} };

/**
 * etcd3's own way opens another connection for each login and never closes it, and logs in without end while etcd
 * refuses the token: so the tokens are kept here.
 */
export function createTokens(login: () => Promise<string | undefined>): Tokens {
  let pending: Promise<string | undefined> | undefined;
  let latest: string | undefined;
  return {
    get latest() {
      return latest;
    },
    get() {
      pending ??= login().then(
        (token) => {
          latest = token;
          return token;
        },
        (error: unknown) => {
          pending = undefined;
          throw error;
        },
      );
      return pending;
    },
    drop(token) {
      if (token === latest) pending = undefined;
    },
  };
}

const refusals = ["invalid auth token", "user name is empty", "revision of auth store is old"];

/** True where etcd wants a new login: the token has expired, is unknown after a restart, or none was sent. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof Error && refusals.some((refusal) => error.message.includes(refusal));
}

/** What etcd answered to a name and a password. */
export interface Login {
  /** Sent with every call; `undefined` where etcd asks for none. */
  readonly token: string | undefined;
}

/** A client's login, fetched when it is first needed and again when etcd no longer takes it. */
export interface Logins {
  readonly current: Login | undefined;
  /** Makes a call with a token that etcd takes, logging in where that has not been done, and again where it has to. */
  during<T>(call: () => Promise<T>): Promise<T>;
}

/**
 * etcd3's own way opens another connection for each login and never closes it, and repeats a call without pause while
 * etcd refuses the token: so the login is kept here.
 */
export function createLogins(login: () => Promise<Login>): Logins {
  let pending: Promise<Login> | undefined;
  let current: Login | undefined;
  /** One login for all who ask at the same time. */
  const get = () => {
    pending ??= login().then(
      (made) => {
        current = made;
        return made;
      },
      (error: unknown) => {
        pending = undefined;
        throw error;
      },
    );
    return pending;
  };
  /** etcd refused this login; a newer one stays. */
  const drop = (refused: Login) => {
    if (refused !== current) return;
    current = undefined;
    pending = undefined;
  };

  return {
    get current() {
      return current;
    },
    async during(call) {
      const used = await get();
      try {
        return await call();
      } catch (error) {
        if (!isLoginRefused(error)) throw error;
        drop(used);
        await get();
        return call();
      }
    },
  };
}

/** What a call fails with whose token etcd did not take. */
export const tokenRefused = "etcd does not take the token of this login";
const refusals = [tokenRefused, "invalid auth token", "user name is empty", "revision of auth store is old"];

/** True where etcd wants a new login: the token has expired, is unknown after a restart, or none was sent. */
function isLoginRefused(error: unknown): boolean {
  return error instanceof Error && refusals.some((refusal) => error.message.includes(refusal));
}

/** As etcd's own client takes it: a login that nobody asks for does no harm. */
export function isLoginNeedless(error: unknown): boolean {
  return error instanceof Error && error.message.includes("authentication is not enabled");
}

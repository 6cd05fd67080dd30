import { Etcd3 } from 'etcd3';

interface Authenticator {
  /** The one that is used; null: the next call asks for one. */
  readonly awaitingMetadata: Promise<unknown> | null;
  readonly invalidateMetadata: () => void;
}

/**
 * etcd3, with a token that can be forgotten. A token has the raft index of its day in it, and a member that is not there yet waits until it is,
 * as long as the call may take: of a token from before a restore it does not say in time that it knows none such.
 */
export class TokenClient extends Etcd3 {
  /** @returns forgets the token of now, unless there is another one by then. */
  rememberToken(): () => void {
    const authenticator = this.#authenticator();
    const used = authenticator.awaitingMetadata;
    return () => {
      if (authenticator.awaitingMetadata === used) authenticator.invalidateMetadata();
    };
  }

  #authenticator(): Authenticator {
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- etcd3 keeps it for itself, and has no other way to it
    return this.pool['authenticator'] as Authenticator;
  }
}

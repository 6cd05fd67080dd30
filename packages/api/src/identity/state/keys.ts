import { KINDS, type Kind } from './entities.js';

/**
 * Every key of identity. All stand below a prefix that ends with a slash: `state/KIND/ID` holds a record, `tokens/SHA256` a token under a
 * lease. Each write to the state puts `state/changes` too, and compares what it was: so writes come one after another, whoever makes them,
 * and nothing that one of them has read has changed before it is written.
 */
export interface IdentityKeys {
  /** All but tokens; ends with a slash. */
  readonly state: string;
  readonly changes: string;
  readonly record: (kind: Kind, id: string) => string;
  /** @param hash in hexadecimal digits. */
  readonly token: (hash: string) => string;
  readonly tokens: string;
}

export const createIdentityKeys = (prefix: string): IdentityKeys => {
  const state = `${prefix}state/`;
  const tokens = `${prefix}tokens/`;
  return {
    state,
    tokens,
    changes: `${state}changes`,
    record: (kind, id) => `${state}${kind}/${id}`,
    token: (hash) => `${tokens}${hash}`,
  };
};

/** @param key below `state`. @returns undefined for what is no record. */
export const parseRecordKey = (key: string): { readonly kind: Kind; readonly id: string } | undefined => {
  const slash = key.indexOf('/');
  const kind = KINDS.find((kind) => kind === key.slice(0, slash));
  return kind && { kind, id: key.slice(slash + 1) };
};

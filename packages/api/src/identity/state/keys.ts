import { createRecordKeys, type RecordKeys } from '../../state/keys.js';

/** Every key of identity. All stand below a prefix that ends with a slash: `state/` has the records, `tokens/SHA256` a token under a lease. */
export interface IdentityKeys extends RecordKeys {
  /** @param hash in hexadecimal digits. */
  readonly token: (hash: string) => string;
  readonly tokens: string;
}

export const createIdentityKeys = (prefix: string): IdentityKeys => {
  const tokens = `${prefix}tokens/`;
  return { ...createRecordKeys(`${prefix}state/`), tokens, token: (hash) => `${tokens}${hash}` };
};

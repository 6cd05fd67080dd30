import { randomBytes } from 'node:crypto';
import type { Entry, Lease, Store } from '@etcd-compute/common/etcd/store';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { createSecret, hashToken } from '../passwords/hash.js';
import type { IdentityKeys } from '../state/keys.js';
import { tokenSchema, type Token } from './token.js';

export interface TokenStore {
  /** @returns the token, which is never told again. */
  readonly issue: (token: Token) => Promise<string>;
  readonly keyOf: (token: string) => string;
  readonly read: (entry: Entry | undefined) => Token | undefined;
  /** From now on it is nothing. May be repeated. */
  readonly revoke: (token: string) => Promise<void>;
}

export interface TokenStoreOptions {
  readonly etcd: Store;
  readonly keys: IdentityKeys;
  readonly now: () => number;
}

/** Tokens that end within this time of each other share a lease: etcd would have to keep one alive for each else. */
const SHARED_MS = 60_000;

/** A token ends when it says so; etcd removes it a little later. */
export const createTokenStore = ({ etcd, keys, now }: TokenStoreOptions): TokenStore => {
  /** By the minute in which they end. */
  const leases = new Map<number, Promise<Lease>>();

  const leaseUntil = async (expiresAt: number): Promise<{ id: string; forget: () => void }> => {
    const end = Math.ceil(expiresAt / SHARED_MS) + 1;
    for (const old of leases.keys()) if (old * SHARED_MS < now()) leases.delete(old);
    const seconds = Math.ceil((end * SHARED_MS - now()) / 1000);
    const lease = leases.get(end) ?? etcd.grantLease(seconds);
    leases.set(end, lease);
    const forget = (): void => {
      leases.delete(end);
    };
    try {
      return { id: (await lease).id, forget };
    } catch (err) {
      forget();
      throw err;
    }
  };

  const put = async (token: string, value: Token): Promise<void> => {
    const lease = await leaseUntil(value.expires_at);
    const key = keys.token(hashToken(token));
    try {
      // No two are the same: when it is there, it was written by an attempt whose reply was lost.
      await etcd.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: JSON.stringify(value), lease: lease.id }]);
    } catch (err) {
      // Somebody may have revoked the lease; the next one takes another.
      lease.forget();
      throw err;
    }
  };

  return {
    issue: async (value) => {
      const token = createSecret();
      try {
        await put(token, value);
      } catch {
        await put(token, value);
      }
      return token;
    },
    keyOf: (token) => keys.token(hashToken(token)),
    read: (entry) => entry && parseMessage(tokenSchema, entry.key, entry.value),
    revoke: async (token) => {
      const key = keys.token(hashToken(token));
      const entry = await etcd.get(key);
      if (entry) await etcd.txn([{ key, modRevision: entry.modRevision }], [{ op: 'delete', key }]);
    },
  };
};

export const newAuditId = (): string => randomBytes(16).toString('base64url');

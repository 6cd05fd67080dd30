import { randomBytes } from 'node:crypto';
import type { Entry, Lease, Store } from '@etcd-compute/common/etcd/store';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { z } from 'zod';
import { createSecret, hashToken } from '../passwords/hash.js';

/** What is kept of a token, below a key that is made of its hash. */
interface Kept {
  /** Milliseconds since 1970. */
  readonly expires_at: number;
}

export interface TokenStore<T extends Kept> {
  /** @returns the token, which is never told again. */
  readonly issue: (kept: T) => Promise<string>;
  readonly keyOf: (token: string) => string;
  /** It may have ended: whoever reads it looks at the time. */
  readonly read: (entry: Entry | undefined) => T | undefined;
  /** From now on it is nothing. May be repeated. */
  readonly revoke: (token: string) => Promise<void>;
}

export interface TokenStoreOptions<T extends Kept> {
  readonly etcd: Store;
  /** @param hash in hexadecimal digits. */
  readonly keyOf: (hash: string) => string;
  readonly schema: z.ZodType<T>;
  readonly now: () => number;
}

/** Tokens that end within this time of each other share a lease: etcd would have to keep one alive for each else. */
const SHARED_MS = 60_000;

/** A token ends when it says so; etcd removes it a little later. */
export const createTokenStore = <T extends Kept>({ etcd, keyOf, schema, now }: TokenStoreOptions<T>): TokenStore<T> => {
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

  const put = async (token: string, value: T): Promise<void> => {
    const lease = await leaseUntil(value.expires_at);
    const key = keyOf(hashToken(token));
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
    keyOf: (token) => keyOf(hashToken(token)),
    read: (entry) => entry && parseMessage(schema, entry.key, entry.value),
    revoke: async (token) => {
      const key = keyOf(hashToken(token));
      const entry = await etcd.get(key);
      if (entry) await etcd.txn([{ key, modRevision: entry.modRevision }], [{ op: 'delete', key }]);
    },
  };
};

export const newAuditId = (): string => randomBytes(16).toString('base64url');

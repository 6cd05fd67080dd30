import { createHmac, randomBytes } from 'node:crypto';
import type { Store } from '@etcd-compute/common/etcd/store';
import { parseImageIdentity } from '@etcd-compute/common/endpoint/protocol';

/** The keys of contents: whoever has one may fetch that content from any image server, and nothing else. */
export interface ContentKeys {
  /** In base64. */
  readonly keyOf: (sha256: string) => string;
  /** The same for all servers of a cloud, and no other's: hexadecimal digits. */
  readonly cloud: string;
  /** Which cloud etcd tells of now; undefined when it was emptied. */
  readonly readCloud: () => Promise<string | undefined>;
  /** @param identity as a connection tells it. @returns null for what is none. */
  readonly find: (identity: string) => Buffer | null;
}

const SECRET_BYTES = 32;

const deriveOf = (secret: Buffer, text: string): Buffer => createHmac('sha256', secret).update(text).digest();
const cloudOf = (secret: Buffer): string => deriveOf(secret, 'cloud').toString('hex').slice(0, 16);

/** All servers of a cloud make the same keys, of a secret that the first of them has made. @param key where it is in etcd. */
export const openContentKeys = async (etcd: Store, key: string): Promise<ContentKeys> => {
  await etcd.txn(
    [{ key, modRevision: '0' }],
    [{ op: 'put', key, value: randomBytes(SECRET_BYTES).toString('base64') }],
  );
  const entry = await etcd.get(key);
  if (!entry) throw new Error(`${key} was removed the moment that it was made`);
  const secret = Buffer.from(entry.value, 'base64');
  const derive = (sha256: string): Buffer => deriveOf(secret, sha256);
  return {
    cloud: cloudOf(secret),
    readCloud: async () => {
      const now = await etcd.get(key);
      return now && cloudOf(Buffer.from(now.value, 'base64'));
    },
    keyOf: (sha256) => derive(sha256).toString('base64'),
    find: (identity) => {
      const sha256 = parseImageIdentity(identity);
      return sha256 === undefined ? null : derive(sha256);
    },
  };
};

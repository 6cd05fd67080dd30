import { randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type { BlobStore, OpenBlob } from '../blob-store.js';
import { isAbsent, openBucket, type Bucket, type BucketOptions } from './bucket.js';
import { abortUpload, listKeys, listUploads } from './list-bucket.js';
import { putFile } from './put-file.js';
import { readObject } from './read-object.js';

/*
 * The contents of images as objects of S3, which all servers of a cloud share:
 *
 *   <prefix><cloud>/<sha256>.<server>.<random>
 *
 * A name is given once: each content that comes has its own, also when there is the same one already. An object that no image names any more
 * is never named again, so it may go whatever others do meanwhile; S3 knows no way to remove an object only if nobody has put it again. By the
 * server in the name, others know whether somebody is still about to name it. Several clouds may have the same bucket and prefix.
 */

export interface S3Options extends BucketOptions {
  /** Of all keys. */
  readonly prefix: string;
  /** Told apart from others by this. */
  readonly cloud: string;
  /** Whose objects are called by its id. */
  readonly server: string;
}

export interface S3Store extends BlobStore, AsyncDisposable {
  /** Looks whether it can be used. @throws as `Bucket.ask` does. */
  readonly check: () => Promise<void>;
}

const NAME = /^[0-9a-f]{64}\.([0-9a-f-]{36})\.[0-9a-f-]{36}$/;
/** Each holds a part in memory. */
const MAX_PUTS = 4;

export const openS3Store = (options: S3Options): S3Store => {
  const { prefix, cloud, server } = options;
  const bucket = openBucket(options);
  const folder = `${prefix}${cloud}/`;
  const keyOf = (name: string): string => folder + name;
  /** Names of what this server puts, or has put and names next. */
  const underWay = new Set<string>();
  const putInTurn = pLimit(MAX_PUTS);
  const ownerOf = (key: string): string | undefined => NAME.exec(key.slice(folder.length))?.[1];
  /** Nobody is about to name it. */
  const isLeft = (key: string, isThere: (other: string) => boolean): boolean => {
    const owner = ownerOf(key);
    if (owner === undefined) return false;
    return owner === server ? !underWay.has(key.slice(folder.length)) : !isThere(owner);
  };
  const sizeOf = async (name: string): Promise<number | undefined> => findSize(bucket, keyOf(name));

  return {
    id: 's3',
    newName: (sha256) => `${sha256}.${server}.${randomUUID()}`,
    keep: async ({ path, size }, name) => {
      underWay.add(name);
      await putInTurn(async () => putFile(bucket, { path, size, key: keyOf(name) }));
    },
    has: async (name) => (await sizeOf(name)) !== undefined,
    open: async (name) => {
      const size = await sizeOf(name);
      return size === undefined ? undefined : openObject(bucket, { key: keyOf(name), size });
    },
    removeUnless: async (name, isWanted) => {
      underWay.delete(name);
      if (!(await isWanted())) await removeObject(bucket, keyOf(name));
    },
    list: async (isThere) => {
      const keys = await listKeys(bucket, folder);
      return keys.filter((key) => isLeft(key, isThere)).map((key) => key.slice(folder.length));
    },
    removeLeftovers: async (isThere) => {
      const uploads = await listUploads(bucket, folder);
      for (const upload of uploads) if (isLeft(upload.Key, isThere)) await abortUpload(bucket, upload);
    },
    check: async () => {
      const first = { Bucket: bucket.bucket, Prefix: folder, MaxKeys: 1 };
      await bucket.ask('look for images', async (signals) =>
        bucket.client.send(new options.sdk.ListObjectsV2Command(first), signals),
      );
    },
    [Symbol.asyncDispose]: async () => bucket.client.destroy(),
  };
};

/** In bytes. */
const findSize = async ({ sdk, ask, client, bucket }: Bucket, key: string): Promise<number | undefined> =>
  ask('find an image', async (options) => {
    try {
      return (await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), options)).ContentLength;
    } catch (err) {
      if (isAbsent(err)) return undefined;
      throw err;
    }
  });

const openObject = (bucket: Bucket, { key, size }: { readonly key: string; readonly size: number }): OpenBlob => ({
  size,
  read: ({ start, end } = { start: 0, end: size - 1 }) => readObject(bucket, { key, start, end }),
  [Symbol.asyncDispose]: async () => undefined,
});

/** Repeatable. */
const removeObject = async ({ sdk, ask, client, bucket }: Bucket, key: string): Promise<void> => {
  await ask('remove an image', async (options) =>
    client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), options),
  );
};

import { createHash } from 'node:crypto';

/** In hexadecimal digits. SHA-256 names contents; clients are told the other two. */
export interface BlobDigests {
  readonly sha256: string;
  readonly sha512: string;
  readonly md5: string;
}

/** Digests of what is added, piece by piece. */
export const createDigests = (): {
  readonly update: (data: Uint8Array) => void;
  readonly finish: () => BlobDigests;
} => {
  const hashes = { sha256: createHash('sha256'), sha512: createHash('sha512'), md5: createHash('md5') };
  return {
    update: (data) => {
      for (const hash of Object.values(hashes)) hash.update(data);
    },
    finish: () => ({
      sha256: hashes.sha256.digest('hex'),
      sha512: hashes.sha512.digest('hex'),
      md5: hashes.md5.digest('hex'),
    }),
  };
};

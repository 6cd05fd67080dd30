import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ChecksumAlgorithm } from '@etcd-compute/common/image-checksum';

/** Hexadecimal digits. SHA-256 names contents, so it is always there; the other one where somebody asks for it. */
export type Digests = Readonly<{ sha256: string } & Partial<Record<ChecksumAlgorithm, string>>>;

/** Digests of what is added, piece by piece. */
export class RunningDigests {
  readonly #sha256: Hash = createHash('sha256');
  readonly #other: Hash | undefined;

  constructor(wanted: ChecksumAlgorithm = 'sha256') {
    this.#other = wanted === 'sha256' ? undefined : createHash(wanted);
  }

  update(data: Uint8Array): void {
    this.#sha256.update(data);
    this.#other?.update(data);
  }

  digest(): Digests {
    const sha512 = this.#other?.digest('hex');
    return { sha256: this.#sha256.digest('hex'), ...(sha512 !== undefined && { sha512 }) };
  }
}

/** Adds the beginning of a file. */
export const addFile = async (
  digests: RunningDigests,
  path: string,
  { bytes, signal }: { bytes: number; signal: AbortSignal },
): Promise<void> => {
  if (bytes === 0) return;
  for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 1024 * 1024, signal })) {
    const data: Buffer = chunk;
    digests.update(data);
  }
};

import { EcomputeError } from '@etcd-compute/common/errors';
import type { ChecksumAlgorithm } from '@etcd-compute/common/image-checksum';
import type { Digests } from '../download/digests.js';

/** What an image's file must be. */
export interface WantedDigest {
  readonly algorithm: ChecksumAlgorithm;
  readonly digits: string;
  /** The URL of the list that says so. */
  readonly listUrl?: string;
}

/** @throws ECOMPUTE_IMAGE_CHECKSUM_WRONG unless no digest is asked for, or it is this one. */
export const verifyChecksum = (
  url: string,
  { wanted, digests }: { wanted: WantedDigest | undefined; digests: Digests },
): void => {
  if (!wanted) return;
  const { algorithm, digits, listUrl } = wanted;
  if (digests[algorithm] === digits) return;
  const [expected, actual] = [`${algorithm}:${digits}`, `${algorithm}:${digests[algorithm] ?? ''}`];
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_CHECKSUM_WRONG',
    `the image ${url} is not the requested one: its checksum is ${actual}, not ${expected}${listUrl === undefined ? '' : ` as ${listUrl} says`}`,
    {
      details: { expected, actual },
      hint:
        listUrl === undefined
          ? 'it was changed on the server or in transit, or the checksum belongs to another file; the image was not used'
          : 'it was changed on the server or in transit, or the list belongs to another version; the image was not used',
    },
  );
};

import { EcomputeError } from '@etcd-compute/common/errors';
import { checksumDigits } from '@etcd-compute/common/image-checksum';

/** @throws ECOMPUTE_IMAGE_CHECKSUM_WRONG unless no checksum is asked for, or it is this one. */
export const verifyChecksum = (
  url: string,
  { wanted, sha256 }: { wanted: string | undefined; sha256: string },
): void => {
  if (wanted === undefined || checksumDigits(wanted) === sha256) return;
  throw new EcomputeError(
    'ECOMPUTE_IMAGE_CHECKSUM_WRONG',
    `the image ${url} is not the one that was asked for: its checksum is sha256:${sha256}, not ${wanted}`,
    {
      details: { expected: wanted, actual: `sha256:${sha256}` },
      hint: 'it was changed on the server or on the way, or the checksum is of another file; it was not used',
    },
  );
};

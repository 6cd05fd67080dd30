import { EcomputeError } from '@etcd-compute/common/errors';
import { formatBytes, gibToBytes } from '@etcd-compute/common/units';
import { describeProgress, transferOf } from '../../images/progress.js';
import type { Step } from './step.js';

export const fetchImage: Step = {
  name: 'fetch-image',
  kind: 'waiting',
  timeoutSeconds: ({ timeouts }) => timeouts.image,
  run: async ({ images }, context) => {
    const { spec, signal, onProgress } = context;
    const image = await images.fetch(spec.imageUrl, {
      signal,
      checksum: spec.imageChecksum,
      onProgress: (progress) => onProgress(describeProgress(progress), transferOf(progress)),
    });
    if (image.virtualSizeBytes > gibToBytes(spec.diskGiB))
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_TOO_LARGE',
        `the image ${spec.imageUrl} is a disk of ${formatBytes(image.virtualSizeBytes)}, and the instance may have ${spec.diskGiB} GiB`,
        { hint: `boot it with more disk, such as --disk ${Math.ceil(image.virtualSizeBytes / gibToBytes(1))}` },
      );
    context.made.image = image;
  },
};

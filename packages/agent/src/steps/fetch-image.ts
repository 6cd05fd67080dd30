import { EcomputeError } from '@etcd-compute/common/errors';
import { FETCH_IMAGE_STEP } from '@etcd-compute/common/etcd/messages/image-downloads';
import { formatBytes, gibToBytes } from '@etcd-compute/common/units';
import type { Step } from './step.js';

export const fetchImage: Step = {
  name: FETCH_IMAGE_STEP,
  kind: 'waiting',
  timeoutSeconds: ({ timeouts }) => timeouts.image,
  run: async ({ images }, context) => {
    const { spec, signal } = context;
    const image = await images.fetch(spec.imageUrl, { signal, checksum: spec.imageChecksum, from: spec.imageSource });
    if (image.virtualSizeBytes > gibToBytes(spec.disks[0].sizeGiB))
      throw new EcomputeError(
        'ECOMPUTE_IMAGE_TOO_LARGE',
        `the image ${spec.imageUrl} is a disk of ${formatBytes(image.virtualSizeBytes)}, and the instance may have ${spec.disks[0].sizeGiB} GiB`,
        { hint: `boot it with more disk, such as --disk ${Math.ceil(image.virtualSizeBytes / gibToBytes(1))}` },
      );
    context.made.image = image;
  },
};

import { EcomputeError } from '@etcd-compute/common/errors';
import { FETCH_IMAGE_STEP } from '@etcd-compute/common/etcd/messages/image-downloads';
import { imageOfCopy } from '@etcd-compute/common/etcd/messages/shelved';
import type { DiskUuid } from '@etcd-compute/common/ids';
import { formatBytes, gibToBytes } from '@etcd-compute/common/units';
import type { CachedImage } from '../images/format/cached-image.js';
import type { Step, StepContext, StepDeps } from './step.js';

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
    context.made.copies = await fetchCopies(images, context);
  },
};

/** Of further disks. */
const fetchCopies = async (
  images: StepDeps['images'],
  { spec, signal }: Pick<StepContext, 'spec' | 'signal'>,
): Promise<ReadonlyMap<DiskUuid, CachedImage>> => {
  const [, ...further] = spec.disks;
  const fetched = new Map<DiskUuid, CachedImage>();
  for (const { uuid, copy } of further)
    if (copy) fetched.set(uuid, await images.fetch(imageOfCopy(copy), { signal, from: copy.source }));
  return fetched;
};

import { isSnapshotImage } from '@etcd-compute/common/snapshot-image';
import type { Services } from '../services.js';
import { removeSnapshot } from '../snapshots/remove-snapshot.js';
import { resolveImage } from '../snapshots/resolve-image.js';
import { wishForImage, type ImageWishOptions, type ImageWishResult } from './wish-for-image.js';

/** The same as `wishForImage`, where the image may also be `snapshot:NAME`. */
export const askForImage = async (
  services: Services,
  { wish, image }: { readonly wish: 'prefetch' | 'remove'; readonly image: string },
  options: ImageWishOptions,
): Promise<ImageWishResult> => {
  if (!isSnapshotImage(image)) return wishForImage(services, { wish, image }, options);
  if (wish === 'remove') return removeSnapshot(services, image, options);
  const { source, ...resolved } = await resolveImage(services, image);
  return wishForImage(services, { wish, image: resolved.image, ...(source && { source }) }, options);
};

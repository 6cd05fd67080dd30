import type { ImageWishOptions, ImageWishResult } from '../images/wish-for-image.js';
import { wishForImage } from '../images/wish-for-image.js';
import { parseSnapshotImage } from '@etcd-compute/common/snapshot-image';
import type { Services } from '../services.js';
import { findSnapshot, snapshotUnknown } from './find-snapshot.js';

/**
 * Has the host of a snapshot forget it, then frees its name.
 *
 * @param image `snapshot:NAME`. @throws EcomputeError ECOMPUTE_SNAPSHOT_UNKNOWN
 */
export const removeSnapshot = async (
  services: Services,
  image: string,
  options: Omit<ImageWishOptions, 'hosts' | 'checksum'>,
): Promise<ImageWishResult> => {
  const { project } = services;
  const { name = image, sha256 } = parseSnapshotImage(image) ?? {};
  const found = await findSnapshot(services, { project, name });
  if (!found || found.isPending || (sha256 !== undefined && found.snapshot?.sha256 !== sha256))
    throw snapshotUnknown({ project, name }, found);
  const { host } = found.holder;
  const result = found.snapshot
    ? await wishForImage(services, { wish: 'remove', image, project }, { ...options, hosts: [host] })
    : { hosts: [], errors: [] };
  if (result.errors.length > 0) return result;
  const { key, modRevision } = found.entry;
  // Somebody else may have taken the name meanwhile.
  await (await services.store()).txn([{ key, modRevision }], [{ op: 'delete', key }]);
  if (!found.snapshot) throw snapshotUnknown({ project, name }, found);
  return result;
};

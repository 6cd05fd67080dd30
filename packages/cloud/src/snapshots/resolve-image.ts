import { EcomputeError } from '@etcd-compute/common/errors';
import type { Snapshot, SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import { formatSnapshotImage, isSnapshotImage, parseSnapshotImage } from '@etcd-compute/common/snapshot-image';
import type { Services } from '../services.js';
import { findSnapshot, snapshotUnknown } from './find-snapshot.js';

/** An image as it stands in a boot request. */
export interface ResolvedImage {
  readonly image: string;
  /** Where a snapshot is. */
  readonly source?: SnapshotSource;
  readonly snapshot?: Snapshot;
}

/**
 * Finds the snapshot that `snapshot:NAME` is now. URLs are what they are, and so is what image servers have.
 *
 * @param given what lets in to an image server.
 * @throws EcomputeError ECOMPUTE_SNAPSHOT_UNKNOWN, and ECOMPUTE_IMAGE_URL_REFUSED for what is no name.
 */
export const resolveImage = async (
  services: Services,
  image: string,
  given?: SnapshotSource,
): Promise<ResolvedImage> => {
  if (!isSnapshotImage(image)) return { image, ...(given && { source: given }) };
  const asked = parseSnapshotImage(image);
  if (!asked)
    throw new EcomputeError('ECOMPUTE_IMAGE_URL_REFUSED', `could not use the image '${image}'`, {
      hint: 'expected snapshot: and the name of a snapshot, such as snapshot:golden',
    });
  const named = { project: services.project, name: asked.name };
  const found = await findSnapshot(services, named);
  const snapshot = found?.snapshot;
  if (!snapshot || (asked.sha256 !== undefined && asked.sha256 !== snapshot.sha256))
    throw snapshotUnknown(named, found);
  const { host, id, key } = snapshot;
  return { image: formatSnapshotImage(snapshot), source: { host, id, key }, snapshot };
};

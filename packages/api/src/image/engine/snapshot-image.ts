import type { Images } from '../images.js';
import type { Image } from '../state/records.js';

/** A server's disk, which is to become an image. */
export interface SnapshotImage {
  /** A UUID that no image has. */
  readonly id: string;
  readonly name: string;
  /** A project. */
  readonly owner: string;
  /** The instance's project in the cloud. */
  readonly project: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly minDiskGiB: number;
  readonly minRamMiB: number;
}

/**
 * Writes the image, as `saving`. Whoever calls this asks the instance for a snapshot of the name that is returned, next; when its host has
 * taken it, the image gets its content and is active. When it could not be taken, or nobody asks, the image goes.
 */
export const createSnapshotImage = async (
  { store, blobs, now, wakeSnapshot }: Images,
  { id, name, owner, project, properties, minDiskGiB, minRamMiB }: SnapshotImage,
): Promise<{ readonly snapshotName: string }> => {
  const at = now();
  const image: Image = {
    version: 1,
    id,
    owner,
    name,
    status: 'saving',
    visibility: 'private',
    protected: false,
    hidden: false,
    disk_format: 'qcow2',
    container_format: 'bare',
    min_disk: minDiskGiB,
    min_ram: minRamMiB,
    tags: [],
    properties: { ...properties },
    created_at: at,
    updated_at: at,
  };
  const snapshotName = `image-${id}`;
  await store.write((draft) => {
    draft.put('image', image);
    draft.put('snapshot', { version: 1, image: id, project, name: snapshotName, server: blobs.server, created_at: at });
  });
  wakeSnapshot(id);
  return { snapshotName };
};

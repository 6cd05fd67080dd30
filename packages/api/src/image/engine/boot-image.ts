import type { SnapshotSource } from '@etcd-compute/common/etcd/messages/snapshot';
import { formatStoredImage } from '@etcd-compute/common/stored-image';
import { badRequest } from '../../http/http-error.js';
import type { Images } from '../images.js';
import { canSee, type Viewer } from './access.js';
import { BOOTABLE_FORMATS } from './fields.js';

/** What a server needs to know of the image that it is made from. */
export interface BootImage {
  readonly id: string;
  /** Empty when it has none. */
  readonly name: string;
  /** As it stands in boot requests: the content is named, so it stays what it is, whatever becomes of the image. */
  readonly image: string;
  /** What lets its host fetch that content, from any image server. */
  readonly source: SnapshotSource;
  readonly minDiskGiB: number;
  readonly minRamMiB: number;
  /** Of the disk in it. */
  readonly virtualSizeBytes: number;
  /** Such as `hw_disk_bus`. */
  readonly properties: Readonly<Record<string, string>>;
}

/** Looks at etcd: an image that another server has told of is found. @throws HttpError 400, as compute's API answers. */
export const resolveBootImage = async (
  { store, blobs }: Pick<Images, 'store' | 'blobs'>,
  viewer: Viewer,
  id: string,
): Promise<BootImage> => {
  await store.look();
  const view = store.view();
  const image = view.get('image', id.toLowerCase());
  if (!image || !canSee(view, image, viewer)) throw badRequest(`Image ${id} could not be found.`);
  const { blob, status, disk_format } = image;
  if (status !== 'active' || !blob) throw badRequest(`Image ${id} is not active.`);
  if (!BOOTABLE_FORMATS.some((format) => format === disk_format) || blob.virtual_size === null)
    throw badRequest(`Image ${id} is unacceptable: no server boots from the format ${disk_format}.`);
  return {
    id: image.id,
    name: image.name ?? '',
    image: formatStoredImage({ id: image.id, sha256: blob.sha256 }),
    source: { host: blob.server, id: image.id, key: blobs.keyOf(blob.sha256) },
    minDiskGiB: image.min_disk,
    minRamMiB: image.min_ram,
    virtualSizeBytes: blob.virtual_size,
    properties: image.properties,
  };
};

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ImageInfo } from '@etcd-compute/common/images/inspect';

/** The content of an image, in a file that is named by its SHA-256 and never changes. */
export interface CachedImage extends ImageInfo {
  readonly path: string;
  readonly sha256: string;
}

export const imagePath = (folder: string, sha256: string): string => join(folder, `${sha256}.img`);

export const imageExists = async (folder: string, sha256: string): Promise<boolean> =>
  stat(imagePath(folder, sha256)).then(
    () => true,
    () => false,
  );

import { inspectImage, type ImageInfo } from '@etcd-compute/common/images/inspect';
import { EcomputeError } from '@etcd-compute/common/errors';
import { HttpError } from '../../http/http-error.js';
import { BOOTABLE_FORMATS } from '../engine/fields.js';

/**
 * Looks at a content as the agents do that boot from it.
 *
 * @returns what a guest sees; undefined of formats that no guest boots from. @throws HttpError 400.
 */
export const checkContent = async (
  path: string,
  format: string,
): Promise<Pick<ImageInfo, 'virtualSizeBytes'> | undefined> => {
  if (!BOOTABLE_FORMATS.some((bootable) => bootable === format)) return undefined;
  const info = await inspectImage(path, 'the file').catch((err: unknown) => {
    if (err instanceof EcomputeError && err.code === 'ECOMPUTE_IMAGE_NOT_USABLE')
      throw new HttpError(400, `${capitalize(err.message)}.`, { cause: err });
    throw err;
  });
  if (info.format !== format)
    throw new HttpError(400, `The file is a ${info.format} image, and the disk_format of the image says ${format}.`);
  return info;
};

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

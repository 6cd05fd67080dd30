import type { ImageFault } from '@etcd-compute/testing/image-server';
import { NOTHING_TO_MEND, type Inject } from './inject.js';

/** What the server of images answers, or does not. */
export const imageReply =
  (fault: ImageFault): Inject =>
  async ({ stage: { images } }) => {
    images.setFault(fault);
    return async () => images.setFault(undefined);
  };

/** The one that most instances are booted from. */
export const changeImage: Inject = async ({ stage: { images } }) => {
  await images.change('image-0');
  return NOTHING_TO_MEND;
};

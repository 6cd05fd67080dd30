import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import { requestUrl } from '@etcd-compute/common/images/request-url';
import { checkContent } from '../blobs/check-content.js';
import type { Images } from '../images.js';
import type { Image, Task } from '../state/records.js';
import { endImport } from './end-import.js';
import { toContent } from './upload.js';

/** Fetches an image from its URL, by the rules by which agents do: which addresses may be asked, redirects, sizes, formats. */
export const download = async (
  images: Images,
  image: Image,
  { uri, task }: { readonly uri: string; readonly task: Task },
): Promise<void> => {
  const { blobs, urls, signal } = images;
  const response = await requestUrl({ url: uri, headers: {}, source: urls, signal }).catch((cause: unknown) => {
    if (cause instanceof EcomputeError) throw cause;
    throw failed(`could not download ${uri}: ${formatErrorChain(cause)}`, cause);
  });
  const { status, headers, data } = response;
  if (status !== 200) {
    data.destroy();
    throw failed(`could not download ${uri}: the server answered ${status}`);
  }
  const length = Number(headers['content-length'] ?? Number.NaN);
  const announcedBytes = Number.isSafeInteger(length) ? length : undefined;
  await blobs.take(data, { announcedBytes }, async (taken) => {
    const { received, commit } = taken;
    const { size } = received;
    if (announcedBytes !== undefined && size !== announcedBytes)
      throw failed(`could not download ${uri}: it ended after ${size} of ${announcedBytes} bytes`);
    const content = await checkContent(received.path, image.disk_format ?? '');
    const blob = { ...toContent(images, taken), virtual_size: content?.virtualSizeBytes ?? null };
    await commit(async () => endImport(images, task, { status: 'success', blob }));
  });
};

const failed = (message: string, cause?: unknown): EcomputeError =>
  new EcomputeError('ECOMPUTE_IMAGE_DOWNLOAD_FAILED', message, { cause });

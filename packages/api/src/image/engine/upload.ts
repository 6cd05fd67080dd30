import { conflict, HttpError } from '../../http/http-error.js';
import { placeOf } from '../blobs/blob-store.js';
import type { Sender, Taken } from '../blobs/blobs.js';
import { checkContent } from '../blobs/check-content.js';
import type { Images } from '../images.js';
import type { Image, Staged } from '../state/records.js';

export interface Upload {
  readonly stream: Sender;
  /** Undefined when nobody has said. */
  readonly announcedBytes: number | undefined;
}

/**
 * Takes the file of an image. Until it has come whole and was looked at, nothing is changed: of two who upload at once, the first to end wins.
 *
 * @throws HttpError 400, 409, 410, 413.
 */
export const upload = async (images: Images, image: Image, { stream, announcedBytes }: Upload): Promise<void> =>
  images.blobs.take(stream, { announcedBytes }, async (taken) => {
    const content = await checkContent(taken.received.path, image.disk_format ?? '');
    const blob = { ...toContent(images, taken), virtual_size: content?.virtualSizeBytes ?? null };
    await taken.commit(async () => setContent(images, image, { status: 'active', blob }));
  });

/** Takes a file that `import` looks at later. */
export const stage = async (images: Images, image: Image, { stream, announcedBytes }: Upload): Promise<void> =>
  images.blobs.take(stream, { announcedBytes }, async (taken) => {
    await taken.commit(async () =>
      setContent(images, image, { status: 'uploading', staged: toContent(images, taken) }),
    );
  });

export const toContent = ({ blobs }: Images, { name, received: { sha256, sha512, md5, size } }: Taken): Staged => ({
  ...placeOf(name),
  sha256,
  sha512,
  md5,
  size,
  server: blobs.server,
});

/** @throws HttpError 409, 410 when it is not as it was. */
export const setContent = async (
  { store, now }: Images,
  { id, status, disk_format }: Image,
  changes: Partial<Image>,
): Promise<void> =>
  store.write((draft) => {
    const image = draft.view.get('image', id);
    if (!image) throw new HttpError(410, `Image ${id} was deleted while its file came.`);
    // The format is what the file was looked at for.
    if (image.status !== status || image.disk_format !== disk_format)
      throw conflict(`Image ${id} has changed while its file came.`);
    draft.put('image', { ...image, ...changes, updated_at: now() });
  });

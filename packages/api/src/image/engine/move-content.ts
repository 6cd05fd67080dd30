import type { BlobFolder } from '../blobs/blob-folder.js';
import type { BlobStore } from '../blobs/blob-store.js';
import type { Images } from '../images.js';
import { digestRelation, type Image } from '../state/records.js';

export interface MoveDeps {
  readonly images: Images;
  readonly folder: BlobFolder;
  /** Of all servers. */
  readonly shared: BlobStore;
  /** Whether a record names a content, as of now. */
  readonly isWanted: (name: string) => Promise<boolean>;
}

/**
 * Puts the content of one image, that is a file here, in the store of all servers, as when a cloud has just got one. The file then goes as
 * others do that no record names. Of two servers that do it at once, the first wins.
 *
 * @returns whether there was one.
 */
export const moveContent = async (deps: MoveDeps): Promise<boolean> => {
  const { store } = deps.images;
  const here = await deps.folder.list(() => true);
  await store.look();
  for (const sha256 of here) {
    const image = store
      .view()
      .related('image', digestRelation(sha256))
      .find(({ blob }) => isFile(blob, sha256));
    if (!image?.blob) continue;
    await move(deps, { id: image.id, blob: image.blob });
    return true;
  }
  return false;
};

const isFile = (blob: Image['blob'], sha256: string): boolean => blob?.sha256 === sha256 && blob.object === undefined;

const move = async (
  { images: { store, log }, folder, shared, isWanted }: MoveDeps,
  { id, blob }: { readonly id: string; readonly blob: NonNullable<Image['blob']> },
): Promise<void> => {
  const { sha256 } = blob;
  const name = shared.newName(sha256);
  try {
    await shared.keep({ ...blob, path: folder.pathOf(sha256) }, name);
    await store.write((draft) => {
      const image = draft.view.get('image', id);
      if (image?.blob && isFile(image.blob, sha256))
        draft.put('image', { ...image, blob: { ...image.blob, object: name } });
    });
  } finally {
    await shared.removeUnless(name, async () => isWanted(name));
  }
  log.info({ image: id, content: name }, 'the content of an image was moved from the folder to S3');
};

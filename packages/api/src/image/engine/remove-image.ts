import { forbidden } from '../../http/http-error.js';
import { nameOf } from '../blobs/blob-store.js';
import type { Images } from '../images.js';
import { imageRelation, memberId } from '../state/records.js';
import { stillThere } from './find-image.js';

/** Removes an image with all that is about it, then its content where no other image has the same. @throws HttpError 404, 403. */
export const removeImage = async ({ store, blobs }: Images, id: string): Promise<void> => {
  const contents = await store.write((draft) => {
    const image = stillThere(draft.view, id);
    if (image.protected) throw forbidden(`Image ${id} is protected and cannot be deleted.`);
    for (const { project } of draft.view.related('member', imageRelation(id)))
      draft.delete('member', memberId(id, project));
    for (const task of draft.view.related('task', imageRelation(id))) draft.delete('task', task.id);
    draft.delete('image', id);
    return [image.blob, image.staged].flatMap((content) => (content ? [nameOf(content)] : []));
  });
  // What is left by a server that ends here is collected later; so are the copies of other servers.
  await blobs.collect(contents);
};

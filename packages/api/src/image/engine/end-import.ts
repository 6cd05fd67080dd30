import { nameOf } from '../blobs/blob-store.js';
import type { Images } from '../images.js';
import type { Image, Task } from '../state/records.js';

export type ImportEnd =
  | { readonly status: 'success'; readonly blob: NonNullable<Image['blob']> }
  | { readonly status: 'failure'; readonly message: string };

/** Repeatable. What was staged is forgotten; an image that failed may be tried again. */
export const endImport = async ({ store, blobs, now }: Images, task: Task, end: ImportEnd): Promise<void> => {
  const unused = await store.write((draft) => {
    const image = draft.view.get('image', task.image);
    const current = draft.view.get('task', task.id);
    if (current?.status !== 'processing' || image?.status !== 'importing') return undefined;
    const { staged, ...rest } = image;
    const at = now();
    draft.put('image', {
      ...rest,
      updated_at: at,
      ...(end.status === 'success' ? { status: 'active', blob: end.blob } : { status: 'queued' }),
    });
    const message = end.status === 'failure' ? end.message : '';
    draft.put('task', { ...current, status: end.status, message, updated_at: at });
    return staged && nameOf(staged);
  });
  if (unused !== undefined) await blobs.collect([unused]);
};

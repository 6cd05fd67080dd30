import { randomUUID } from 'node:crypto';
import { badRequest, conflict } from '../../http/http-error.js';
import { checkContent } from '../blobs/check-content.js';
import type { Images } from '../images.js';
import type { Image, Task } from '../state/records.js';
import { download } from './download.js';
import { endImport } from './end-import.js';
import { stillThere } from './find-image.js';

/** Where an image comes from that is imported. */
export type ImportMethod =
  /** What was staged. */
  { readonly name: 'glance-direct' } | { readonly name: 'web-download'; readonly uri: string };

export interface ImportRequest {
  readonly id: string;
  readonly method: ImportMethod;
  readonly input: Readonly<Record<string, unknown>>;
  readonly user: string;
  readonly requestId: string;
}

/**
 * Begins an import, which goes on here after the answer. When this server is killed, another one finds that out: see `keep-house.ts`.
 *
 * @throws HttpError 400, 404, 409.
 */
export const startImport = async (images: Images, request: ImportRequest): Promise<Task> => {
  const { store, blobs, now } = images;
  const { id, method, input, user, requestId } = request;
  if (method.name === 'web-download') images.urls.policy.check(method.uri);
  const started = await store.write((draft) => {
    const image = stillThere(draft.view, id);
    checkMayImport(image, method);
    const at = now();
    const task: Task = {
      version: 1,
      id: randomUUID(),
      image: id,
      owner: image.owner,
      user,
      input: { ...input },
      status: 'processing',
      message: '',
      server: blobs.server,
      request_id: requestId,
      created_at: at,
      updated_at: at,
    };
    const importing: Image = { ...image, status: 'importing', updated_at: at };
    draft.put('image', importing);
    draft.put('task', task);
    return { task, image: importing };
  });
  images.background(async () => runImport(images, { ...started, method }));
  return started.task;
};

const checkMayImport = ({ id, status, disk_format, container_format }: Image, { name }: ImportMethod): void => {
  const wanted = name === 'glance-direct' ? 'uploading' : 'queued';
  if (status !== wanted) throw conflict(`Image ${id} is ${status}: ${name} needs one that is ${wanted}.`);
  if (disk_format === null || container_format === null)
    throw badRequest('Properties disk_format and container_format must be set before an import.');
};

interface Started {
  readonly image: Image;
  readonly task: Task;
  readonly method: ImportMethod;
}

const runImport = async (images: Images, { image, task, method }: Started): Promise<void> => {
  const { log } = images;
  try {
    if (method.name === 'web-download') await download(images, image, { uri: method.uri, task });
    else await importStaged(images, image, task);
    log.info({ image: image.id, task: task.id }, 'image imported');
  } catch (err) {
    log.warn({ err, image: image.id, task: task.id }, 'an image could not be imported');
    await endImport(images, task, { status: 'failure', message: messageOf(err) });
  }
};

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));

const importStaged = async (images: Images, image: Image, task: Task): Promise<void> => {
  const { staged } = image;
  if (!staged) throw new Error('there is nothing staged');
  const content = await images.blobs.withFile(staged, async (path) => checkContent(path, image.disk_format ?? ''));
  await endImport(images, task, {
    status: 'success',
    blob: { ...staged, virtual_size: content?.virtualSizeBytes ?? null },
  });
};

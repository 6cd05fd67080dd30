import { storeOf } from './blobs/blob-store.js';
import type { Image, Member, Task } from './state/records.js';

/** Links of Glance's are paths below the service. */
export const pathOfImage = (id: string): string => `/v2/images/${id}`;

const toTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');

export const renderImage = (image: Image): Readonly<Record<string, unknown>> => ({
  ...image.properties,
  ...(image.blob && { stores: storeOf(image.blob) }),
  id: image.id,
  name: image.name,
  status: image.status,
  visibility: image.visibility,
  protected: image.protected,
  os_hidden: image.hidden,
  owner: image.owner,
  disk_format: image.disk_format,
  container_format: image.container_format,
  min_disk: image.min_disk,
  min_ram: image.min_ram,
  size: image.blob?.size ?? null,
  virtual_size: image.blob?.virtual_size ?? null,
  checksum: image.blob?.md5 ?? null,
  os_hash_algo: image.blob ? 'sha512' : null,
  os_hash_value: image.blob?.sha512 ?? null,
  tags: image.tags,
  created_at: toTime(image.created_at),
  updated_at: toTime(image.updated_at),
  self: pathOfImage(image.id),
  file: `${pathOfImage(image.id)}/file`,
  schema: '/v2/schemas/image',
});

export const renderMember = (member: Member): object => ({
  member_id: member.project,
  image_id: member.image,
  status: member.status,
  created_at: toTime(member.created_at),
  updated_at: toTime(member.updated_at),
  schema: '/v2/schemas/member',
});

/** How long a task is told of after it has ended. */
export const TASK_KEPT_MS = 48 * 3_600_000;

export const renderTask = (task: Task): Readonly<Record<string, unknown>> => ({
  id: task.id,
  type: 'api_image_import',
  status: task.status,
  image_id: task.image,
  owner: task.owner,
  user_id: task.user,
  request_id: task.request_id ?? null,
  input: task.input,
  result: task.status === 'success' ? { image_id: task.image } : null,
  message: task.message,
  created_at: toTime(task.created_at),
  updated_at: toTime(task.updated_at),
  ...(task.status !== 'processing' && { expires_at: toTime(task.updated_at + TASK_KEPT_MS) }),
  self: `/v2/tasks/${task.id}`,
  schema: '/v2/schemas/task',
});

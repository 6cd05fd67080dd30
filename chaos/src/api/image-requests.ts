import { z } from 'zod';
import { readEtcd } from '../world/read-etcd.js';
import { imageContent } from './image-content.js';
import type { PlayRequest } from './requests.js';

/** Some images have the same content, so that what one of them needs goes away with none of the others. */
const CONTENTS = 3;
const madeSchema = z.looseObject({ id: z.string() });

export const createImage: PlayRequest = async ({ request: { name, draw }, tenant, ledger, as }) => {
  const asUser = as(tenant.user);
  const made = await asUser('POST /image/v2/images', {
    body: { name, disk_format: 'raw', container_format: 'bare' },
  });
  const id = madeSchema.safeParse(made?.body).data?.id;
  if (made?.status !== 201 || id === undefined) return made;
  const answer = await asUser(`PUT /image/v2/images/${id}/file`, { body: imageContent(`content ${draw % CONTENTS}`) });
  if (answer?.status === 204) ledger.uploaded.add(id);
  return answer;
};

/** Not the one that servers are made from. */
export const deleteImage: PlayRequest = async ({ stage, request, tenant, ledger, as }) => {
  const world = await readEtcd(stage).catch(() => undefined);
  const images = (world?.api.images() ?? []).filter(({ id }) => id !== tenant.image);
  const image = images[request.draw % images.length];
  if (!image) return 'nothing there';
  ledger.deletesAsked.add(image.id);
  const answer = await as(tenant.user)(`DELETE /image/v2/images/${image.id}`);
  if (answer?.status === 204) ledger.deletesAccepted.add(image.id);
  return answer;
};

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { HttpError } from '../../http/http-error.js';
import type { Image } from '../state/records.js';
import { checkMayBeSaid, FIELDS, isField, MAX_PROPERTIES, PATTERN_OF_ID, readProperty } from './fields.js';

/** Members that are not named are properties. */
export const createBody = z
  .looseObject(FIELDS)
  .partial()
  .extend({ id: z.string().regex(new RegExp(PATTERN_OF_ID), 'expected a UUID').optional() });

export interface NewImage {
  readonly body: z.output<typeof createBody>;
  readonly owner: string;
  readonly now: number;
}

/** @throws HttpError 400, 403, 413. */
export const planImage = ({ body, owner, now }: NewImage): Image => {
  const names = Object.keys(body).filter((name) => name !== 'id');
  for (const name of names) checkMayBeSaid(name);
  const properties = names.filter((name) => !isField(name)).map((name) => [name, readProperty(name, body[name])]);
  checkProperties(Object.fromEntries(properties));
  return {
    version: 1,
    id: body.id?.toLowerCase() ?? randomUUID(),
    owner: body.owner ?? owner,
    name: body.name ?? null,
    status: 'queued',
    visibility: body.visibility ?? 'shared',
    protected: body.protected ?? false,
    hidden: body.os_hidden ?? false,
    disk_format: body.disk_format ?? null,
    container_format: body.container_format ?? null,
    min_disk: body.min_disk ?? 0,
    min_ram: body.min_ram ?? 0,
    tags: [...new Set(body.tags)],
    properties: Object.fromEntries(properties),
    created_at: now,
    updated_at: now,
  };
};

/** As much as one record in etcd should have. */
const MAX_PROPERTIES_LENGTH = 256 * 1024;

/** @throws HttpError 413. */
export const checkProperties = (properties: Readonly<Record<string, string>>): void => {
  const count = Object.keys(properties).length;
  if (count > MAX_PROPERTIES)
    throw new HttpError(413, `An image has at most ${MAX_PROPERTIES} properties; this one would have ${count}.`);
  if (JSON.stringify(properties).length > MAX_PROPERTIES_LENGTH)
    throw new HttpError(413, `The properties of an image have at most ${MAX_PROPERTIES_LENGTH} characters together.`);
};

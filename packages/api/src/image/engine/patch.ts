import { z } from 'zod';
import { badRequest, conflict, forbidden, HttpError } from '../../http/http-error.js';
import type { Image } from '../state/records.js';
import { checkProperties } from './create.js';
import { checkMayBeSaid, FIELDS, isField, readProperty, type FieldName } from './fields.js';

/** Changes of an image, in the two forms of JSON patch that Glance takes. https://docs.openstack.org/api-ref/image/v2/#update-image */

const OPERATIONS = ['add', 'replace', 'remove'] as const;
type Operation = (typeof OPERATIONS)[number];

export interface Change {
  readonly op: Operation;
  /** Of a field or a property. */
  readonly name: string;
  readonly value: unknown;
  /** What is there is not overwritten by `add`: so it was in the first form. */
  readonly isOld: boolean;
}

export const OLD_PATCH = 'application/openstack-images-v2.0-json-patch';
export const NEW_PATCH = 'application/openstack-images-v2.1-json-patch';

const newForm = z.object({ op: z.enum(OPERATIONS), path: z.string(), value: z.unknown().optional() });

/** @throws HttpError 415, 400, 403. */
export const readChanges = (body: unknown, contentType: string | undefined): readonly Change[] => {
  const type = contentType?.split(';')[0]?.trim();
  if (type !== OLD_PATCH && type !== NEW_PATCH)
    throw new HttpError(415, `The Content-Type of a change must be one of: ${OLD_PATCH}, ${NEW_PATCH}.`, {
      headers: { 'accept-patch': `${OLD_PATCH}, ${NEW_PATCH}` },
    });
  const items = z.array(z.record(z.string(), z.unknown())).safeParse(body);
  if (!items.success) throw badRequest('The body must be a list of operations, each a JSON object.');
  return items.data.map((item) => {
    const { op, path, value } = type === NEW_PATCH ? readNew(item) : readOld(item);
    if (op !== 'remove' && value === undefined) throw badRequest(`The operation "${op}" needs a member "value".`);
    const name = readPath(path);
    checkMayBeSaid(name);
    return { op, name, value, isOld: type === OLD_PATCH };
  });
};

type Read = { readonly op: Operation; readonly path: string; readonly value?: unknown };

const readNew = (item: unknown): Read => {
  const parsed = newForm.safeParse(item);
  if (parsed.success) return parsed.data;
  throw badRequest(`An operation has "op" (one of ${OPERATIONS.join(', ')}), "path" and "value".`);
};

const readOld = (item: Readonly<Record<string, unknown>>): Read => {
  const [op, ...others] = OPERATIONS.filter((name) => name in item);
  const path = op && item[op];
  if (op === undefined || others.length > 0 || typeof path !== 'string')
    throw badRequest('An operation has exactly one member called "add", "replace" or "remove", which is a path.');
  return { op, path, value: item['value'] };
};

/** One step of a JSON pointer: nothing lies deeper. */
const readPath = (pointer: string): string => {
  const [, step] = /^\/([^/]+)$/.exec(pointer) ?? [];
  if (step === undefined || /~(?![01])/.test(step))
    throw badRequest(`Invalid JSON pointer for this resource: '${pointer}'.`);
  return step.replaceAll('~1', '/').replaceAll('~0', '~').trim();
};

/** @throws HttpError 400, 403, 409, 413. */
export const applyChanges = (image: Image, changes: readonly Change[]): Image => {
  let changed = image;
  for (const change of changes)
    changed = isField(change.name) ? setField(changed, change.name, change) : setProperty(changed, change);
  checkProperties(changed.properties);
  return changed;
};

const setProperty = (image: Image, { op, name, value, isOld }: Change): Image => {
  const isThere = Object.hasOwn(image.properties, name);
  if (op === 'add' && isThere && isOld) throw conflict(`Property ${name} already present.`);
  if (op !== 'add' && !isThere) throw conflict(`Property ${name} does not exist.`);
  const { [name]: _before, ...others } = image.properties;
  return { ...image, properties: op === 'remove' ? others : { ...others, [name]: readProperty(name, value) } };
};

const setField = (image: Image, name: FieldName, { op, value, isOld }: Change): Image => {
  if (op === 'remove') throw forbidden(`Property ${name} may not be removed.`);
  if (op === 'add' && isOld) throw conflict(`Property ${name} already present.`);
  const parsed = FIELDS[name].safeParse(value);
  if (!parsed.success)
    throw badRequest(`Invalid value for '${name}': ${parsed.error.issues.map(({ message }) => message).join('; ')}`);
  if ((name === 'disk_format' || name === 'container_format') && image.status !== 'queued')
    throw forbidden(`Attribute ${name} can be only replaced for a queued image.`);
  const field = name === 'os_hidden' ? 'hidden' : name;
  return { ...image, [field]: name === 'tags' ? [...new Set(z.array(z.string()).parse(parsed.data))] : parsed.data };
};

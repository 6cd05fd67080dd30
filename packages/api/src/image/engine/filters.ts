import { badRequest } from '../../http/http-error.js';
import { renderImage } from '../render.js';
import { VISIBILITIES, type Image } from '../state/records.js';
import type { ImageView } from '../images.js';
import { isAdmin, membershipOf, type Viewer } from './access.js';

/** What a list may be asked for. https://docs.openstack.org/api-ref/image/v2/#list-images */

type Test = (image: Image) => boolean;

/** Of the list itself. */
const OTHERS: readonly string[] = [
  'limit',
  'marker',
  'sort',
  'sort_key',
  'sort_dir',
  'tag',
  'member_status',
  'visibility',
  'os_hidden',
];
const LISTABLE: readonly string[] = ['container_format', 'disk_format', 'id', 'name', 'status'];
const MEMBER_STATUSES = ['pending', 'accepted', 'rejected', 'all'] as const;

/** @throws HttpError 400. */
export const readFilters = (query: URLSearchParams, viewer: Viewer, view: ImageView): Test => {
  const tests = [
    scopeTest(query, viewer, view),
    hiddenTest(query),
    ...query.getAll('tag').map(
      (tag): Test =>
        ({ tags }) =>
          tags.includes(tag.trim()),
    ),
    ...[...query].filter(([name]) => !OTHERS.includes(name)).map(([name, wanted]) => readFilter(name, wanted)),
  ];
  return (image) => tests.every((test) => test(image));
};

/** What somebody has, or was given and has accepted. Of the community's images nobody is told who does not ask for them. */
const scopeTest = (query: URLSearchParams, viewer: Viewer, view: ImageView): Test => {
  const status = oneOf(query, 'member_status', MEMBER_STATUSES) ?? 'accepted';
  const visibility = oneOf(query, 'visibility', [...VISIBILITIES, 'all']);
  const isMine: Test = (image) => image.owner === viewer.projectId;
  const isGiven: Test = (image) => {
    const member = membershipOf(view, image, viewer);
    return member !== undefined && (status === 'all' || member.status === status);
  };
  const isListed: Test = (image) =>
    isMine(image) ||
    isGiven(image) ||
    image.visibility === 'public' ||
    (image.visibility === 'community' && (visibility === 'community' || visibility === 'all')) ||
    isAdmin(viewer);
  return (image) =>
    isListed(image) && (visibility === undefined || visibility === 'all' || image.visibility === visibility);
};

const hiddenTest = (query: URLSearchParams): Test => {
  const isWanted = readBoolean('os_hidden', query.get('os_hidden') ?? 'false');
  return ({ hidden }) => hidden === isWanted;
};

const readFilter = (name: string, wanted: string): Test => {
  switch (name) {
    case 'size_min':
      return atLeast(readNumber(name, wanted));
    case 'size_max':
      return atMost(readNumber(name, wanted));
    case 'size':
    case 'min_disk':
    case 'min_ram':
    case 'virtual_size':
      return equals(name, readNumber(name, wanted));
    case 'protected':
      return equals(name, readBoolean(name, wanted));
    case 'created_at':
    case 'updated_at':
      return readTime(name, wanted);
    case 'changes-since':
      throw badRequest('The "changes-since" filter is no longer available on v2.');
    default:
      return isOneOf(name, LISTABLE.includes(name) && wanted.startsWith('in:') ? splitList(wanted.slice(3)) : [wanted]);
  }
};

const equals =
  (name: string, wanted: unknown): Test =>
  (image) =>
    renderImage(image)[name] === wanted;

/** Properties too, and what is null is like nothing. */
const isOneOf =
  (name: string, wanted: readonly string[]): Test =>
  (image) => {
    const value = renderImage(image)[name];
    return typeof value === 'string' && wanted.includes(value);
  };

const atLeast =
  (bytes: number): Test =>
  ({ blob }) =>
    blob !== undefined && blob.size >= bytes;

const atMost =
  (bytes: number): Test =>
  ({ blob }) =>
    blob !== undefined && blob.size <= bytes;

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  gt: (a, b) => a > b,
  gte: (a, b) => a >= b,
  eq: (a, b) => a === b,
  neq: (a, b) => a !== b,
  lt: (a, b) => a < b,
  lte: (a, b) => a <= b,
};

/** `gt:2026-01-01T00:00:00Z`, or a time alone. Times are told in whole seconds, and compared so. */
const readTime = (name: 'created_at' | 'updated_at', wanted: string): Test => {
  const [, comparison = 'eq', text = wanted] = /^(gte?|lte?|n?eq):(.+)$/.exec(wanted) ?? [];
  const compare = COMPARISONS[comparison];
  // Without a zone it is in UTC.
  const at = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T') ? text : `${text}Z`);
  if (!compare || Number.isNaN(at))
    throw badRequest(`The filter ${name} needs a time, such as gt:2026-01-31T00:00:00Z.`);
  return (image) => compare(Math.floor(image[name] / 1000), Math.floor(at / 1000));
};

/** Values with commas stand in quotes. */
const splitList = (text: string): readonly string[] => {
  if (!/^(?:"[^"]*"|[^",]*)(?:,(?:"[^"]*"|[^",]*))*$/.test(text))
    throw badRequest('A list of values has commas between them, and quotes around those that have commas themselves.');
  return (text.match(/"[^"]*"|[^",]+/g) ?? []).map((value) => value.replace(/^"(.*)"$/, '$1'));
};

const readNumber = (name: string, text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`The filter ${name} needs a number that is not negative.`);
  return Number(text);
};

const readBoolean = (name: string, text: string): boolean => {
  const lower = text.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw badRequest(`The filter ${name} needs true or false.`);
  return lower === 'true';
};

const oneOf = <T extends string>(query: URLSearchParams, name: string, values: readonly T[]): T | undefined => {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = values.find((one) => one === text);
  if (value === undefined) throw badRequest(`Invalid ${name} value: ${text}`);
  return value;
};

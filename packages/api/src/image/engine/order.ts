import { badRequest } from '../../http/http-error.js';
import { renderImage } from '../render.js';
import type { Image } from '../state/records.js';

const KEYS = ['name', 'status', 'container_format', 'disk_format', 'size', 'id', 'created_at', 'updated_at'] as const;
type Key = (typeof KEYS)[number];

export type Compare = (a: Image, b: Image) => number;

/** In either form: `sort=name:asc,size`, or `sort_key` and `sort_dir`. The newest come first else. @throws HttpError 400. */
export const readOrder = (query: URLSearchParams): Compare => {
  const wanted = query.has('sort') ? readSort(query) : readKeys(query);
  const comparisons = [...wanted, { key: 'created_at', isUp: false }, { key: 'id', isUp: false }] as const;
  return (a, b) => {
    for (const { key, isUp } of comparisons) {
      const order = compareValues(valueOf(a, key), valueOf(b, key));
      if (order !== 0) return isUp ? order : -order;
    }
    return 0;
  };
};

interface By {
  readonly key: Key;
  readonly isUp: boolean;
}

const readSort = (query: URLSearchParams): readonly By[] => {
  if (query.has('sort_key') || query.has('sort_dir')) throw badRequest('Old and new sorting syntax cannot be combined');
  return (query.get('sort') ?? '').split(',').map((part) => {
    const [key = '', direction = 'desc'] = part.trim().split(':');
    return { key: readKey(key), isUp: readDirection(direction) };
  });
};

const readKeys = (query: URLSearchParams): readonly By[] => {
  const keys = query.getAll('sort_key').map((key) => readKey(key.trim()));
  const directions = query.getAll('sort_dir').map((direction) => readDirection(direction.trim()));
  if (keys.length === 0 && directions.length > 0) keys.push('created_at');
  if (directions.length > 1 && directions.length !== keys.length)
    throw badRequest('Number of sort dirs does not match the number of sort keys');
  return keys.map((key, index) => ({ key, isUp: directions[directions.length > 1 ? index : 0] ?? false }));
};

const readKey = (text: string): Key => {
  const key = KEYS.find((one) => one === text);
  if (!key) throw badRequest(`Invalid sort key: ${text}. It must be one of the following: ${KEYS.join(', ')}.`);
  return key;
};

const readDirection = (text: string): boolean => {
  if (text !== 'asc' && text !== 'desc') throw badRequest(`Invalid sort direction: ${text}`);
  return text === 'asc';
};

const valueOf = (image: Image, key: Key): string | number | null => {
  // As exact as it is known, so that what is newer comes first.
  if (key === 'created_at' || key === 'updated_at') return image[key];
  const value = renderImage(image)[key];
  return typeof value === 'string' || typeof value === 'number' ? value : null;
};

/** What has no value comes first. */
const compareValues = (a: string | number | null, b: string | number | null): number => {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
};

import { readCount } from '../paging.js';

/** What Nova's clients call what images are filtered by. */
const FILTERS: Readonly<Record<string, string>> = {
  name: 'name',
  minRam: 'min_ram',
  minDisk: 'min_disk',
  type: 'image_type',
};
const PREFIX = 'property-';
const MAX_LIMIT = 1000;

/** The query of the image service that says the same. What is no filter is left out. @throws HttpError 400. */
export const toImageQuery = (query: URLSearchParams): URLSearchParams => {
  const limit = Math.min(readCount(query.get('limit') ?? String(MAX_LIMIT), 'limit'), MAX_LIMIT);
  const wanted = new URLSearchParams({ limit: String(limit) });
  const marker = query.get('marker');
  if (marker !== null) wanted.set('marker', marker);
  for (const [name, value] of query) {
    const known = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : FILTERS[name];
    if (known !== undefined) wanted.set(known, value);
    // It may be a link to the server.
    if (name === 'server') wanted.set('instance_uuid', value.replace(/^.*\//, ''));
    if (name === 'status') wanted.set('status', value.toLowerCase());
    if (name === 'changes-since') wanted.set('updated_at', `gte:${value}`);
  }
  return wanted;
};

import type { Caller } from '../../http/caller.js';
import { badRequest } from '../../http/http-error.js';
import type { View } from '../state/compute-store.js';
import type { Flavor } from '../state/entities.js';
import { isAdmin, maySee } from './find-flavor.js';

type SortValue = string | number;

/** What lists can be sorted by. Of what is not kept, all have the same. */
const SORT_KEYS: Readonly<Record<string, (flavor: Flavor) => SortValue>> = {
  created_at: () => 0,
  description: ({ description = '' }) => description,
  disabled: () => 0,
  ephemeral_gb: ({ ephemeral_gib }) => ephemeral_gib,
  flavorid: ({ id }) => id,
  id: ({ id }) => id,
  is_public: ({ is_public }) => Number(is_public),
  memory_mb: ({ ram_mib }) => ram_mib,
  name: ({ name }) => name,
  root_gb: ({ disk_gib }) => disk_gib,
  rxtx_factor: ({ rxtx_factor }) => rxtx_factor,
  swap: () => 0,
  updated_at: () => 0,
  vcpu_weight: () => 0,
  vcpus: ({ vcpus }) => vcpus,
};

/** The flavors that somebody may see, as the query says. @throws HttpError 400. */
export const listFlavors = (view: View, query: URLSearchParams, caller: Caller): readonly Flavor[] => {
  const minRam = readNumber(query, 'minRam');
  const minDisk = readNumber(query, 'minDisk');
  const isListed = createIsListed(query.get('is_public'), caller);
  const { compare, direction } = readSort(query);
  return view
    .list('flavor')
    .filter((flavor) => isListed(flavor) && flavor.ram_mib >= minRam && flavor.disk_gib >= minDisk)
    .toSorted((a, b) => direction * compare(a, b));
};

/** Who is no admin sees what is public, and what is his project's. An admin may ask for one of both kinds, or for all. */
const createIsListed = (wanted: string | null, caller: Caller): ((flavor: Flavor) => boolean) => {
  if (!isAdmin(caller)) return (flavor) => maySee(flavor, caller);
  if (wanted !== null && /^none$/i.test(wanted)) return () => true;
  if (wanted === null || isYes(wanted)) return (flavor) => maySee(flavor, { ...caller, roles: [] });
  if (/^(0|f|false|off|n|no)$/i.test(wanted)) return ({ is_public }) => !is_public;
  throw badRequest('Invalid is_public filter: it is neither true, false nor None.');
};

const isYes = (text: string): boolean => /^(1|t|true|on|y|yes)$/i.test(text);

const readNumber = (query: URLSearchParams, name: string): number => {
  const text = query.get(name) ?? '0';
  if (!/^-?\d{1,9}$/.test(text)) throw badRequest(`Invalid ${name} filter: it is not a number.`);
  return Number(text);
};

const readSort = (
  query: URLSearchParams,
): { readonly compare: (a: Flavor, b: Flavor) => number; readonly direction: 1 | -1 } => {
  const name = query.get('sort_key') ?? 'flavorid';
  const valueOf = Object.hasOwn(SORT_KEYS, name) ? SORT_KEYS[name] : undefined;
  if (!valueOf) throw badRequest('Invalid input for query parameters sort_key: flavors cannot be sorted by it.');
  const direction = query.get('sort_dir') ?? 'asc';
  if (direction !== 'asc' && direction !== 'desc')
    throw badRequest('Invalid input for query parameters sort_dir: it is neither asc nor desc.');
  const compare = (a: Flavor, b: Flavor): number => {
    const [one, other] = [valueOf(a), valueOf(b)];
    if (one === other) return 0;
    return one < other ? -1 : 1;
  };
  return { compare, direction: direction === 'asc' ? 1 : -1 };
};

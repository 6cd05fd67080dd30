import { isIPv6 } from 'node:net';
import { nicsOf } from './nics-of.js';
import type { Caller } from '../../../http/caller.js';
import { badRequest, HttpError } from '../../../http/http-error.js';
import { isAdmin } from '../../engine/find-flavor.js';
import type { Servers } from '../servers.js';
import type { Report } from '../state/report.js';
import type { Server } from '../state/server-record.js';
import { createMatcher } from './name-pattern.js';
import { settle } from './settle.js';
import { STATUSES, statusOf, type Status } from './status.js';

/** A server with all that is known of it. */
export interface Seen {
  readonly server: Server;
  readonly report: Report | undefined;
  readonly status: Status;
}

export const seen = ({ store }: Pick<Servers, 'store'>, stored: Server): Seen => {
  const report = store.report(stored.id);
  const server = settle(stored, report);
  return { server, report, status: statusOf(server, report) };
};

/** When it has changed last, whoever says so. */
export const updatedAt = ({ server, report }: Pick<Seen, 'server' | 'report'>): string =>
  report && report.updated_at > server.updated_at ? report.updated_at : server.updated_at;

interface ListOptions {
  readonly query: URLSearchParams;
  readonly caller: Caller;
  readonly minor: number;
  readonly hostnameOf: (host: string) => string | null;
}

type Filter = (seen: Seen) => boolean;
type MakeFilter = (wanted: readonly string[], options: ListOptions) => Filter;

const oneOf =
  (valueOf: (seen: Seen, options: ListOptions) => string | null | undefined): MakeFilter =>
  (wanted, options) =>
  (item) =>
    wanted.includes(valueOf(item, options) ?? '');

const matching =
  (textsOf: (seen: Seen) => readonly string[]): MakeFilter =>
  (wanted) => {
    const matchers = wanted.map(createMatcher);
    return (item) => matchers.some((matches) => textsOf(item).some(matches));
  };

const addresses = (family: 'ipv4' | 'ipv6') =>
  matching(({ report }) =>
    nicsOf(report)
      .flatMap(({ addresses }) => addresses)
      .filter((address) => isIPv6(address) === (family === 'ipv6')),
  );

/** @throws HttpError 400. */
export const readTime = (text: string, name: string): number => {
  const time = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
  if (!/^\d{4}-\d\d/.test(text) || Number.isNaN(time))
    throw badRequest(`Invalid input for query parameters ${name}: it is not a time.`);
  return time;
};

/** The version from which it is refused to ask for what there is not. */
const KNOWN_STATUSES = 38;

const byStatus: MakeFilter = (wanted, { minor }) => {
  const statuses = new Set(wanted.map((text) => text.toUpperCase()));
  if (minor >= KNOWN_STATUSES && ![...statuses].some((status) => STATUSES.has(status)))
    throw badRequest('Invalid status value');
  return ({ status }) => statuses.has(status.status);
};

/** What everybody may filter by. Of other members of the query nothing comes, as with Nova. */
const FILTERS: Readonly<Record<string, MakeFilter>> = {
  name: matching(({ server }) => [server.name]),
  status: byStatus,
  image: oneOf(({ server }) => server.image),
  flavor: oneOf(({ server }) => server.flavor.id),
  ip: addresses('ipv4'),
  ip6: addresses('ipv6'),
  reservation_id: oneOf(({ server }) => server.reservation_id),
  uuid: oneOf(({ server }) => server.id),
  key_name: oneOf(({ server }) => server.key_name),
  availability_zone: oneOf(({ server }) => server.availability_zone ?? 'nova'),
  config_drive:
    (wanted) =>
    ({ server }) =>
      wanted.some((text) => isYes(text) === server.has_config_drive),
  created_at: (wanted) => {
    const times = wanted.map((text) => readTime(text, 'created_at'));
    return ({ server }) => times.some((time) => Math.abs(Date.parse(server.created_at) - time) < 1000);
  },
  user_id: oneOf(({ server }) => server.user),
  description: matching(({ server }) => [server.description ?? '']),
  vm_state: oneOf(({ status }) => status.vmState),
  task_state: oneOf(({ status }) => status.taskState),
  power_state: oneOf(({ status }) => status.powerState.toString()),
  launch_index: oneOf(({ server }) => server.launch_index.toString()),
  locked:
    (wanted) =>
    ({ server }) =>
      wanted.some((text) => isYes(text) === (server.locked !== null)),
  'changes-since': ([text = '']) => {
    const time = readTime(text, 'changes-since');
    return (item) => Date.parse(updatedAt(item)) >= time;
  },
  'changes-before': ([text = '']) => {
    const time = readTime(text, 'changes-before');
    return (item) => Date.parse(updatedAt(item)) <= time;
  },
};

const TAG_FILTERS: Readonly<Record<string, (own: readonly string[], wanted: readonly string[]) => boolean>> = {
  tags: (own, wanted) => wanted.every((tag) => own.includes(tag)),
  'tags-any': (own, wanted) => wanted.some((tag) => own.includes(tag)),
  'not-tags': (own, wanted) => !wanted.every((tag) => own.includes(tag)),
  'not-tags-any': (own, wanted) => !wanted.some((tag) => own.includes(tag)),
};

/** Of admins alone. */
const ADMIN_FILTERS: Readonly<Record<string, MakeFilter>> = {
  host: oneOf(({ report }, { hostnameOf }) => report && hostnameOf(report.host)),
  node: oneOf(({ report }, { hostnameOf }) => report && hostnameOf(report.host)),
  hostname: oneOf(({ server }) => server.hostname),
  project_id: oneOf(({ server }) => server.project),
  tenant_id: oneOf(({ server }) => server.project),
};

/** From which version there is a filter, where it was not always there. */
const SINCE: Readonly<Record<string, number>> = { ip6: 5, 'changes-before': 66, locked: 73 };

const isYes = (text: string): boolean => /^(1|t|true|on|y|yes)$/i.test(text);

const createFilters = (options: ListOptions): readonly Filter[] => {
  const { query, caller, minor } = options;
  const known = isAdmin(caller) ? { ...FILTERS, ...ADMIN_FILTERS } : FILTERS;
  return [...new Set(query.keys())].flatMap((name): readonly Filter[] => {
    const wanted = query.getAll(name);
    if (minor < (SINCE[name] ?? 0)) return [];
    const byTags = minor >= 26 && Object.hasOwn(TAG_FILTERS, name) ? TAG_FILTERS[name] : undefined;
    if (byTags)
      return [
        ({ server }) =>
          byTags(
            server.tags,
            wanted.flatMap((text) => text.split(',')),
          ),
      ];
    const make = Object.hasOwn(known, name) ? known[name] : undefined;
    return make ? [make(wanted, options)] : [];
  });
};

/** @throws HttpError 403. */
const createIsInScope = ({ query, caller }: ListOptions): Filter => {
  const isAll =
    query.has('all_tenants') && isYes(query.get('all_tenants') === '' ? '1' : (query.get('all_tenants') ?? ''));
  if (isAll && !isAdmin(caller))
    throw new HttpError(403, "Policy doesn't allow compute:servers:index:get_all_tenants to be performed.");
  const areDeletedAsked = query.getAll('status').some((text) => text.toUpperCase() === 'DELETED');
  if (areDeletedAsked && !isAdmin(caller)) throw new HttpError(403, 'Only administrators may list deleted instances');
  const isDeletedWanted = isAdmin(caller) && (isYes(query.get('deleted') ?? '') || areDeletedAsked);
  const isChangesWanted = query.has('changes-since') || query.has('changes-before');
  return ({ server }) => {
    if (!isAll && server.project !== caller.projectId) return false;
    const isDeleted = server.deleted_at !== null;
    return isChangesWanted || isDeleted === isDeletedWanted;
  };
};

type SortValue = string | number;

const SORT_KEYS: Readonly<Record<string, (seen: Seen) => SortValue>> = {
  access_ip_v4: ({ server }) => server.access_ipv4,
  access_ip_v6: ({ server }) => server.access_ipv6,
  availability_zone: ({ server }) => server.availability_zone ?? '',
  config_drive: ({ server }) => Number(server.has_config_drive),
  created_at: ({ server }) => server.created_at,
  display_description: ({ server }) => server.description ?? '',
  display_name: ({ server }) => server.name,
  host: ({ report }) => report?.host ?? '',
  hostname: ({ server }) => server.hostname,
  image_ref: ({ server }) => server.image,
  instance_type_id: ({ server }) => server.flavor.id,
  key_name: ({ server }) => server.key_name ?? '',
  launch_index: ({ server }) => server.launch_index,
  launched_at: ({ server }) => server.launched_at ?? '',
  locked: ({ server }) => Number(server.locked !== null),
  power_state: ({ status }) => status.powerState,
  project_id: ({ server }) => server.project,
  task_state: ({ status }) => status.taskState ?? '',
  updated_at: updatedAt,
  user_id: ({ server }) => server.user,
  uuid: ({ server }) => server.id,
  vm_state: ({ status }) => status.vmState,
};

const createCompare = (query: URLSearchParams): ((a: Seen, b: Seen) => number) => {
  const directions = query.getAll('sort_dir');
  if (directions.some((text) => text !== 'asc' && text !== 'desc'))
    throw badRequest('Invalid input for query parameters sort_dir: it is neither asc nor desc.');
  const keys = [...query.getAll('sort_key'), 'created_at', 'uuid'].map((name, index) => {
    const valueOf = Object.hasOwn(SORT_KEYS, name) ? SORT_KEYS[name] : undefined;
    if (!valueOf) throw badRequest('Invalid input for query parameters sort_key: servers cannot be sorted by it.');
    return { valueOf, sign: (directions[index] ?? 'desc') === 'desc' ? -1 : 1 };
  });
  return (a, b) => {
    for (const { valueOf, sign } of keys) {
      const [one, other] = [valueOf(a), valueOf(b)];
      if (one !== other) return one < other ? -sign : sign;
    }
    return 0;
  };
};

/** The servers that a query asks for. @throws HttpError 400, 403. */
export const listServers = (servers: Pick<Servers, 'store'>, options: ListOptions): readonly Seen[] => {
  const isInScope = createIsInScope(options);
  const filters = createFilters(options);
  const compare = createCompare(options.query);
  const found: Seen[] = [];
  for (const stored of servers.store.all()) {
    const item = seen(servers, stored);
    if (isInScope(item) && filters.every((fits) => fits(item))) found.push(item);
  }
  return found.toSorted(compare);
};

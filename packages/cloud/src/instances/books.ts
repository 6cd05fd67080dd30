import { EcomputeError } from '@etcd-compute/common/errors';
import { endingSchema } from '@etcd-compute/common/etcd/messages/ending';
import { instanceRecordSchema, DELETED_TTL_SECONDS } from '@etcd-compute/common/etcd/messages/instance-record';
import { nameHolderSchema, renderHolder } from '@etcd-compute/common/etcd/messages/name-holder';
import { storedLocationSchema } from '@etcd-compute/common/etcd/messages/instance-location';
import { MAX_OPERATIONS, type Entry, type Guard, type Write } from '@etcd-compute/common/etcd/store';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { parseJson } from '@etcd-compute/common/parse-json';
import type { z } from 'zod';
import type { Services } from '../services.js';

/**
 * An agent reaches the keys of its host alone. The location and the name of an instance that it has destroyed are removed by whoever
 * next runs with a scheduler's credentials: the command that waited for it, or any later one that writes.
 */

type Books = Pick<Services, 'keys' | 'store'>;

/** Looked at by one command. */
const AT_ONCE = 50;

export interface CloseBooksOptions {
  /**
   * Those to look at. Default: some of all, starting anywhere, so that instances whose host is down do not keep others waiting.
   */
  readonly instances?: readonly InstanceUuid[] | 'all';
  /** Also those whose host is down and still has the wish to destroy them: their record says `deleted`. */
  readonly isForced?: boolean;
}

/**
 * Closes the books of instances that are gone. The name becomes free. The location stays for as long as the record does, and so does
 * the instance's place in its project, now under its uuid. May be repeated, and run by several at once. Touches nothing but the books.
 */
export const closeBooks = async (
  services: Books,
  { instances, isForced = false }: CloseBooksOptions = {},
): Promise<void> => {
  const store = await services.store();
  const endings = await readEndings(services, instances);
  const books = await readBooks(services, endings);
  const closings = books.flatMap((book) => plan(book, isForced) ?? []);
  if (closings.length === 0) return;
  const lease = await store.grantLease(DELETED_TTL_SECONDS);
  for (const { guards, writes } of inTxns(closings.map((planned) => planned(lease.id))))
    await store.txn(guards, writes);
};

const readEndings = async (
  { keys, store: open }: Books,
  instances: CloseBooksOptions['instances'],
): Promise<readonly (Entry | undefined)[]> => {
  const store = await open();
  if (instances === 'all') return (await store.list(keys.endings)).entries;
  if (instances) return (await store.getMany(instances.map((instance) => keys.ending(instance)))).entries;
  return store.some(keys.endings, { limit: AT_ONCE, from: keys.ending(newInstanceUuid()) });
};

/** As `closeBooks`, for commands that have other things to do: what goes wrong is left to the next one. */
export const closeSomeBooks = async (services: Services, options?: CloseBooksOptions): Promise<void> => {
  try {
    await closeBooks(services, options);
  } catch (err) {
    if (!(err instanceof EcomputeError)) throw err;
  }
};

interface Book {
  readonly ending: Entry;
  readonly instance: InstanceUuid;
  readonly requestKey: string;
  readonly request: Entry | undefined;
  readonly report: Entry | undefined;
  readonly location: Entry | undefined;
  /** Undefined when it had no name. */
  readonly name: Entry | undefined;
  /** Its place in its project under its uuid, and what is there. */
  readonly uuidKey: string;
  readonly uuidHolder: Entry | undefined;
}

const readBooks = async (services: Books, endings: readonly (Entry | undefined)[]): Promise<Book[]> => {
  const { keys } = services;
  const wanted = endings.flatMap((ending) => {
    const instance = ending && keys.parseEnding(ending.key);
    const value = ending && read(endingSchema, ending);
    if (!instance || !value) return [];
    const { host, project, name } = value;
    const names = [
      keys.request(host, instance),
      keys.report(host, instance),
      keys.location(instance),
      keys.name(project, instance),
      ...(name === null ? [] : [keys.name(project, name)]),
    ];
    return [{ ending, instance, names }];
  });
  const { entries } = await (await services.store()).getMany(wanted.flatMap(({ names }) => names));
  const byKey = new Map(entries.flatMap((entry) => (entry ? [[entry.key, entry]] : [])));
  return wanted.map(
    ({ ending, instance, names: [request = '', report = '', location = '', uuid = '', name = ''] }) => ({
      ending,
      instance,
      requestKey: request,
      request: byKey.get(request),
      report: byKey.get(report),
      location: byKey.get(location),
      name: byKey.get(name),
      uuidKey: uuid,
      uuidHolder: byKey.get(uuid),
    }),
  );
};

/** Undefined for what is not understood: left to the audit. */
const read = <S extends z.ZodType>(schema: S, { value }: Entry): z.output<S> | undefined => parseJson(schema, value);

interface Planned {
  readonly guards: readonly Guard[];
  readonly writes: readonly Write[];
}

const guardOf = ({ key, modRevision }: Entry): Guard => ({ key, modRevision });

/** @returns undefined when the instance is not gone yet. */
const plan = (book: Book, isForced: boolean): ((lease: string) => Planned) | undefined => {
  const { ending, instance, requestKey, request, report, location, uuidKey, uuidHolder } = book;
  const record = report && read(instanceRecordSchema, report);
  if ((request && !isForced) || (report && record?.state !== 'deleted')) return undefined;
  const stored = location && read(storedLocationSchema, location);
  // A record of version 1 stands there, and goes by itself.
  const place = stored?.version === 2 ? location : undefined;
  const holder = book.name && read(nameHolderSchema, book.name)?.instance === instance ? book.name : undefined;
  const isRemembered = place !== undefined && report !== undefined;
  return (lease) => ({
    guards: [
      guardOf(ending),
      { key: requestKey, modRevision: request?.modRevision ?? '0' },
      { key: uuidKey, modRevision: uuidHolder?.modRevision ?? '0' },
      ...(place ? [guardOf(place)] : []),
      ...(holder ? [guardOf(holder)] : []),
    ],
    writes: [
      { op: 'delete', key: ending.key },
      ...(place ? [keepWith(place, report ? lease : undefined)] : []),
      ...(holder ? [{ op: 'delete', key: holder.key } as const] : []),
      ...(isRemembered ? [{ op: 'put', key: uuidKey, value: renderHolder(instance), lease } as const] : []),
      ...(!isRemembered && uuidHolder ? [{ op: 'delete', key: uuidKey } as const] : []),
    ],
  });
};

/** The location is of use as long as there is a record. */
const keepWith = ({ key, value }: Entry, lease: string | undefined): Write =>
  lease === undefined ? { op: 'delete', key } : { op: 'put', key, value, lease };

/** In as few txns as etcd takes. One that somebody else was quicker for is left to the next command. */
const inTxns = (all: readonly Planned[]): Planned[] => {
  const txns: Planned[] = [];
  for (const { guards, writes } of all) {
    const last = txns.at(-1);
    if (!last || last.guards.length + guards.length > MAX_OPERATIONS) txns.push({ guards, writes });
    else txns[txns.length - 1] = { guards: [...last.guards, ...guards], writes: [...last.writes, ...writes] };
  }
  return txns;
};

import type { HostView } from '@etcd-compute/cloud/hosts/view';
import { badRequest, conflict, HttpError, notFound } from '../../http/http-error.js';
import type { Draft, View } from '../state/compute-store.js';
import { hostRelation, type Aggregate } from '../state/entities.js';
import { DEFAULT_ZONE, zoneOf, zoneOfAggregate } from './zones.js';

const COUNTER = 'aggregate';

/** @param id as it was asked for. @throws HttpError 400, 404. */
export const needAggregate = (view: View, id: string): Aggregate => {
  if (!/^-?\d{1,10}$/.test(id)) throw badRequest('The id of an aggregate is a number.');
  const aggregate = view.get('aggregate', String(Number(id)));
  if (!aggregate) throw notFound(`Aggregate ${id} could not be found.`);
  return aggregate;
};

type NewAggregate = Pick<Aggregate, 'uuid' | 'name' | 'hosts' | 'metadata' | 'created_at'>;

/** No number is given twice. @throws HttpError 409. */
export const addAggregate = (draft: Draft, aggregate: NewAggregate): Aggregate => {
  refuseName(draft.view, aggregate.name);
  const last = draft.view.get('counter', COUNTER)?.last ?? 0;
  const added: Aggregate = { ...aggregate, version: 1, id: last + 1 };
  draft.put('counter', { version: 1, id: COUNTER, last: added.id });
  draft.put('aggregate', added);
  return added;
};

/** @throws HttpError 409. */
export const refuseName = (view: View, name: string): void => {
  if (view.list('aggregate').some((other) => other.name === name)) throw conflict(`Aggregate ${name} already exists.`);
};

interface Move {
  readonly before: Aggregate;
  readonly after: Aggregate;
  /** All there are. */
  readonly hosts: readonly HostView[];
  /** Of what is refused. */
  readonly status: 400 | 409;
}

/**
 * Writes an aggregate with other hosts, or another zone.
 *
 * @throws HttpError when a host would be in two zones, or servers on it would come into another one.
 */
export const changeAggregate = (draft: Draft, { before, after, hosts, status }: Move): void => {
  const zone = zoneOfAggregate(after);
  for (const host of new Set([...before.hosts, ...after.hosts])) {
    const refuse = (reason: string): HttpError =>
      new HttpError(status, `Cannot change aggregate ${before.id}. Reason: host ${host} ${reason}.`);
    const others = draft.view
      .related('aggregate', hostRelation(host))
      .filter(({ id }) => id !== before.id)
      .map(zoneOfAggregate);
    const other = others.find((one) => one !== undefined);
    if (other !== undefined && zone !== undefined && other !== zone && after.hosts.includes(host))
      throw refuse(`is in the availability zone ${other} already`);
    const next = other ?? (after.hosts.includes(host) ? zone : undefined) ?? DEFAULT_ZONE;
    const isMoved = next !== zoneOf(draft.view, host);
    if (isMoved && hosts.some(({ name, instances }) => name === host && instances > 0))
      throw refuse('has servers, which would come into another availability zone');
  }
  draft.put('aggregate', after);
};

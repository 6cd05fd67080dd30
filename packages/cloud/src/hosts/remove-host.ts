import { drainSchema } from '@etcd-compute/common/etcd/messages/drain';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Guard } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { describeHost, findHost, type FoundHost } from './find-host.js';
import { readContents, type HostContents } from './host-contents.js';

export interface RemoveHostOptions extends RunOptions {
  /** The host will not come back: forget also what was given up there, its snapshots, and what its agent reported as left. */
  readonly isForced?: boolean;
}

/**
 * Removes a host whose agent has ended, and on which nothing is: its keys in etcd and its resource provider.
 *
 * It may be cut short anywhere and repeated. First the host is drained, so that an agent that starts in between takes nothing and the host
 * keeps its name; last the drain is removed.
 *
 * @throws EcomputeError ECOMPUTE_HOST_UP, ECOMPUTE_HOST_IN_USE with all that is there.
 */
export const removeHost = async (
  services: Services,
  uuidOrName: string,
  { isForced = false, ...options }: RemoveHostOptions = {},
): Promise<{ readonly host: string; readonly name: string }> =>
  run(options, async ({ guard }) => {
    const found = await findHost(services, uuidOrName);
    if (found.presence) throw hostIsUp(found);
    checkEmpty(found, await readContents(services, found.host), isForced);
    await guard(async () => removeAll(services, found, isForced));
    return { host: found.host, name: found.name };
  });

/** How often keys may change under us: those of deleted instances end by themselves. */
const ATTEMPTS = 5;

const removeAll = async (services: Services, found: FoundHost, isForced: boolean): Promise<void> => {
  const { host } = found;
  await ensureDrained(services, found);
  for (let attempt = 1; ; attempt += 1) {
    const left = await listKeysOf(services, host);
    // Listed before: what comes after this look is not deleted.
    checkEmpty(found, await readContents(services, host), isForced);
    if (await tryDelete(services, host, left)) break;
    if (attempt === ATTEMPTS || (await isUp(services, host))) throw hostIsUp(found);
  }
  const capacity = await services.capacity();
  if ((await capacity.remove(host)) === 'in-use') {
    const contents = await readContents(services, host);
    throw hostInUse(found, describeContents(contents, isForced), contents);
  }
  const drain = await (await services.store()).get(services.keys.drain(host));
  if (drain && !(await tryDelete(services, host, [drain]))) throw hostIsUp(found);
};

const isUp = async ({ keys, store }: Services, host: ProviderUuid): Promise<boolean> =>
  (await (await store()).get(keys.agent(host))) !== undefined;

const ensureDrained = async (services: Services, found: FoundHost): Promise<void> => {
  if (found.stored) return;
  const { host, name } = found;
  const { keys } = services;
  const key = keys.drain(host);
  const value = drainSchema.parse({ version: 1, host, name, since: new Date().toISOString(), reason: 'being removed' });
  const store = await services.store();
  const { isCommitted } = await store.txn(
    [
      { key, modRevision: '0' },
      { key: keys.agent(host), modRevision: '0' },
    ],
    [{ op: 'put', key, value: JSON.stringify(value) }],
  );
  if (!isCommitted) throw hostIsUp(found);
};

/** All keys below the host, the drain excepted. */
const listKeysOf = async ({ keys, store: open }: Services, host: ProviderUuid): Promise<Guard[]> => {
  const store = await open();
  const prefixes = [keys.requestsOf(host), keys.reportsOf(host), keys.imagesOf(host)];
  const lists = await Promise.all(prefixes.map(async (prefix) => store.listKeys(prefix)));
  const { entries } = await store.getMany([keys.session(host), keys.audit(host), keys.console(host)]);
  return [...lists.flatMap((list) => list.entries), ...entries.filter((entry) => entry !== undefined)];
};

/** As many as etcd takes in a txn, beside the guard of the agent. */
const AT_ONCE = 100;

/** @returns false when one of them has changed, or the host has an agent again. */
const tryDelete = async (services: Services, host: ProviderUuid, left: readonly Guard[]): Promise<boolean> => {
  const store = await services.store();
  const noAgent: Guard = { key: services.keys.agent(host), modRevision: '0' };
  for (let start = 0; start < left.length; start += AT_ONCE) {
    const some = left.slice(start, start + AT_ONCE).map(({ key, modRevision }) => ({ key, modRevision }));
    const writes = some.map(({ key }) => ({ op: 'delete' as const, key }));
    const { isCommitted } = await store.txn([noAgent, ...some], writes);
    if (!isCommitted) return false;
  }
  return true;
};

const hostIsUp = (found: FoundHost): EcomputeError =>
  new EcomputeError('ECOMPUTE_HOST_UP', `could not remove host ${describeHost(found)}: its agent is up`, {
    details: { host: found.host },
    hint: 'stop ecompute there, and see to it that it is not started again',
  });

/** Of many, the first are named. */
const MAX_NAMED = 10;

const some = (what: string, items: readonly string[]): string[] => {
  if (items.length === 0) return [];
  const more = items.length > MAX_NAMED ? ` and ${items.length - MAX_NAMED} more` : '';
  return [`${what}: ${items.slice(0, MAX_NAMED).join(', ')}${more}`];
};

const describeContents = (contents: HostContents, isForced: boolean): string[] => [
  ...some('instances', contents.instances),
  ...some('allocations in Placement of', contents.allocations),
  ...(isForced
    ? []
    : [
        ...some('instances that were given up, and whose guests may be there', contents.givenUp),
        ...some('left on its disk, as its agent last reported', contents.leftovers),
        ...some('snapshots, which are lost with it', contents.snapshots),
      ]),
];

const checkEmpty = (found: FoundHost, contents: HostContents, isForced: boolean): void => {
  const reasons = describeContents(contents, isForced);
  if (reasons.length > 0) throw hostInUse(found, reasons, contents);
};

const hostInUse = (found: FoundHost, reasons: readonly string[], contents?: HostContents): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_HOST_IN_USE',
    `could not remove host ${describeHost(found)}: it is in use${reasons.map((reason) => `\n  ${reason}`).join('')}`,
    {
      details: { host: found.host, ...contents },
      hint: 'start its agent, destroy what is there, and stop it again; or destroy by force when the host will not come back',
    },
  );

import { drainSchema, type Drain, type DrainNotice } from '@etcd-compute/common/etcd/messages/drain';
import { EcomputeError } from '@etcd-compute/common/errors';
import { commit } from '../commit.js';
import type { InstanceView } from '../instances/view.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { describeDrain } from './explain-agent.js';
import { describeHost, findHost, type FoundHost } from './find-host.js';
import { listInstancesOn } from './host-contents.js';
import { waitForDrain } from './wait-for-drain.js';

export interface DrainOptions extends RunOptions {
  /** Shown to everybody; one line. */
  readonly reason?: string | undefined;
  /** Wait for so long until nothing new can come. */
  readonly waitMs?: number | undefined;
}

export interface Drained extends DrainNotice {
  readonly host: string;
  readonly name: string;
  /** What stays there: nothing of ours can move an instance to another host yet. */
  readonly stays: readonly InstanceView[];
}

/**
 * Keeps new instances from a host until `undrain`. What is there stays and goes on. Waits, if asked to, until the host's agent heeds it
 * and what was being built or destroyed there has settled.
 *
 * @throws EcomputeError ECOMPUTE_HOST_DRAINING when it is drained already, and there is neither a new reason nor anything to wait for.
 */
export const drain = async (services: Services, uuidOrName: string, options: DrainOptions = {}): Promise<Drained> =>
  run(options, async (running) => {
    const found = await findHost(services, uuidOrName);
    checkHeeds(found);
    const { since, reason } = await running.guard(async () => writeDrain(services, found, options));
    running.emit({ type: 'drain-asked', host: found.host, hostName: found.name, isHostDown: !found.presence });
    const stays =
      options.waitMs === undefined
        ? await listInstancesOn(services, found)
        : await waitForDrain(services, { found, timeoutMs: options.waitMs, signal: running.signal });
    return { host: found.host, name: found.name, since, reason, stays };
  });

const checkHeeds = (found: FoundHost): void => {
  const { host, presence } = found;
  if (!presence || presence.drain !== undefined) return;
  throw new EcomputeError(
    'ECOMPUTE_HOST_NOT_UPGRADED',
    `could not drain host ${describeHost(found)}: its agent is of an older version, or its etcd user may not read /drains/`,
    { details: { host }, hint: 'upgrade the agent, then bring the etcd roles up to date and restart it' },
  );
};

const writeDrain = async (
  services: Services,
  found: FoundHost,
  { reason, waitMs }: DrainOptions,
): Promise<DrainNotice> => {
  const { host, name, stored } = found;
  const before = stored?.drain;
  const isChanged = before === undefined || (reason !== undefined && reason !== before.reason);
  if (!isChanged && waitMs !== undefined) return before;
  if (!isChanged) throw alreadyDrained(found, before);
  const since = before?.since ?? new Date().toISOString();
  const value: Drain = drainSchema.parse({ ...before, version: 1, host, name, since, reason: reason ?? null });
  const key = services.keys.drain(host);
  const result = await commit({
    store: await services.store(),
    guards: [{ key, modRevision: stored?.modRevision ?? '0' }],
    writes: [{ op: 'put', key, value: JSON.stringify(value) }],
    patienceMs: services.patienceMs,
  });
  if (result.outcome === 'committed') return value;
  if (result.outcome !== 'lost-race') throw result.err;
  throw new EcomputeError(
    'ECOMPUTE_HOST_DRAINING',
    `could not drain host ${describeHost(found)}: somebody else has drained or undrained it at the same time`,
    { details: { host }, hint: 'see how it is, and try again' },
  );
};

const alreadyDrained = (found: FoundHost, notice: DrainNotice): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_HOST_DRAINING',
    `could not drain host ${describeHost(found)}: it is ${describeDrain(notice)} already`,
    { details: { host: found.host, since: notice.since, reason: notice.reason }, hint: 'undrain it to use it again' },
  );

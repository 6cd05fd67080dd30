import { drainSchema, type Drain, type DrainNotice } from '@etcd-compute/common/etcd/messages/drain';
import { EcomputeError } from '@etcd-compute/common/errors';
import { commit } from '../commit.js';
import type { InstanceView } from '../instances/view.js';
import { run, type Run, type RunOptions } from '../run.js';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { moveStopped } from './move-stopped.js';
import { readPresences } from './presences.js';
import type { Services } from '../services.js';
import { describeDrain } from './explain-agent.js';
import { describeHost, findHost, type FoundHost } from './find-host.js';
import { listInstancesOn } from './host-contents.js';
import { waitForDrain } from './wait-for-drain.js';

export interface DrainOptions extends RunOptions {
  /** Shown to everybody; one line. */
  readonly reason?: string | undefined;
  /** Wait for so long until nothing new can come, and instances that are stopped are on other hosts. */
  readonly waitMs?: number | undefined;
  /** False leaves those that are stopped where they are. Default true, when waiting. */
  readonly isMoving?: boolean;
}

export interface Drained extends DrainNotice {
  readonly host: string;
  readonly name: string;
  readonly stays: readonly Staying[];
}

/** An instance that stays on a host. */
export interface Staying extends InstanceView {
  /** Why it does. */
  readonly reason: string;
}

/**
 * Keeps new instances from a host until `undrain`. Waits, if asked to, until the host's agent heeds it and what was being built or destroyed
 * there has settled; then moves instances that are stopped to other hosts with room. All others stay and go on.
 *
 * @throws EcomputeError ECOMPUTE_HOST_DRAINING when it is drained already, and there is neither a new reason nor anything to wait for.
 */
export const drain = async (services: Services, uuidOrName: string, options: DrainOptions = {}): Promise<Drained> =>
  run(options, async (running) => {
    const found = await findHost(services, uuidOrName);
    checkHeeds(found);
    const { since, reason } = await running.guard(async () => writeDrain(services, found, options));
    running.emit({ type: 'drain-asked', host: found.host, hostName: found.name, isHostDown: !found.presence });
    const stays = await settle(services, { found, options }, running);
    return { host: found.host, name: found.name, since, reason, stays };
  });

const settle = async (
  services: Services,
  { found, options: { waitMs, isMoving = true } }: { found: FoundHost; options: DrainOptions },
  running: Run,
): Promise<Staying[]> => {
  if (waitMs === undefined) return (await listInstancesOn(services, found)).map((view) => staying(view));
  const startedAt = performance.now();
  const there = await waitForDrain(services, { found, timeoutMs: waitMs, signal: running.signal });
  const isUp = (await readPresences(services, [found.host])).size > 0;
  if (!isMoving || !isUp) return there.map((view) => staying(view, isUp ? undefined : 'its agent is down'));
  const movable = there.filter(({ state, locked }) => state === 'stopped' && !locked);
  const instances = movable.map(({ instance }) => instanceUuidSchema.parse(instance));
  const timeoutMs = waitMs - (performance.now() - startedAt);
  const failures = await moveStopped(services, { instances, timeoutMs }, running);
  const left = instances.length === 0 ? there : await listInstancesOn(services, found);
  return left.map((view) => staying(view, failures.get(view.instance)));
};

const REASONS: Partial<Record<InstanceView['state'], string>> = {
  active: 'it runs',
  shelved: 'it is shelved, and its copies are here',
  deleting: 'it is being destroyed',
  error: 'it is in error',
};

const staying = (view: InstanceView, reason?: string): Staying => ({
  ...view,
  reason: reason ?? (view.locked ? 'it is locked' : (REASONS[view.state] ?? `it is ${view.state}`)),
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

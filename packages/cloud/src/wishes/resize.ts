import { EcomputeError } from '@etcd-compute/common/errors';
import { changesOf } from '@etcd-compute/common/wishes/actions/resize';
import { faultSchema } from '@etcd-compute/common/etcd/messages/instance-record';
import type { WishArgs } from '@etcd-compute/common/wishes/kinds';
import { findHostNames } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';
import { findInstance, findInstances } from '../instances/find-instance.js';
import { viewOf, type InstanceView } from '../instances/view.js';
import { run, type Run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { moveAside } from '../shelving/move-aside.js';
import { ask, type Changed } from './ask.js';

export interface ResizeOptions extends RunOptions {
  readonly args: WishArgs<'resize'>;
  readonly waitMs: number;
}

/**
 * Gives instances other amounts: where they are, or, when their host has no room for that, on another one, with their disks. Where no host has
 * room, they are as they were.
 *
 * @throws EcomputeError when one is unknown or in a wrong state; what else goes wrong is in the result.
 */
export const resize = async (
  services: Services,
  uuidsOrNames: readonly string[],
  { args, waitMs, ...options }: ResizeOptions,
): Promise<Changed> =>
  run(options, async (running) => {
    const deadline = performance.now() + waitMs;
    const leftMs = (): number => Math.max(0, deadline - performance.now());
    const { signal, emit } = running;
    const here = await ask(services, 'resize', { uuidsOrNames, args, waitMs, signal, onEvent: emit });
    const errors: Error[] = [];
    for (const error of here.errors) {
      const failed = isHostFull(error) ? await moveResized(services, { error, args, leftMs }, running) : error;
      if (failed) errors.push(failed);
    }
    return { instances: await viewsOf(services, here.instances), errors };
  });

const isHostFull = (error: Error): error is EcomputeError =>
  error instanceof EcomputeError && faultSchema.safeParse(error.details['fault']).data?.code === 'ECOMPUTE_HOST_FULL';

interface MoveResizedOptions {
  /** Of its own host. */
  readonly error: EcomputeError;
  readonly args: WishArgs<'resize'>;
  readonly leftMs: () => number;
}

/** @returns why it is not resized. */
const moveResized = async (
  services: Services,
  { error, args, leftMs }: MoveResizedOptions,
  running: Run,
): Promise<Error | undefined> => {
  try {
    const entry = await findInstance(services, String(error.details['instance']));
    const changed = entry.request ? changesOf(entry.request, args) : {};
    await moveAside(services, { entry, changed, leftMs }, running);
    return undefined;
  } catch (err) {
    running.signal.throwIfAborted();
    if (err instanceof EcomputeError) return err;
    throw err;
  }
};

const viewsOf = async (services: Services, before: readonly InstanceView[]): Promise<InstanceView[]> => {
  const entries = await findInstances(
    services,
    before.map(({ instance }) => instance),
  );
  const hosts = entries.map(({ host }) => host);
  const names = await findHostNames(services, await readPresences(services, hosts), hosts);
  return entries.map((entry) => viewOf(entry, names));
};

import { EcomputeError } from '@etcd-compute/common/errors';
import type { Drained } from '@etcd-compute/cloud/hosts/drain';
import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import { stayingShape } from '../output/staying-shape.js';
import type { CommandContext } from './context.js';

export interface DrainHostOptions {
  readonly uuidOrName: string;
  readonly reason: string | undefined;
  readonly isWaiting: boolean;
  readonly isMoving: boolean;
  readonly timeoutSeconds: number;
}

/** Prints what stays on the host; where it waits, that is an error. */
export const drainHost = async (
  { cloud, output, interruption }: CommandContext,
  { uuidOrName, reason, isWaiting, isMoving, timeoutSeconds }: DrainHostOptions,
): Promise<number> => {
  const print = createEventPrinter(output);
  const drained = await cloud.hosts.drain(uuidOrName, {
    reason,
    isMoving,
    waitMs: isWaiting ? timeoutSeconds * 1000 : undefined,
    signal: interruption.signal,
    onEvent: (event) => {
      if (event.type === 'drain-asked')
        interruption.describe = () => 'the host is drained all the same: see `eschedule hosts`';
      if (event.type === 'asked' || event.type === 'unshelving')
        interruption.describe = () =>
          'the host is drained all the same; an instance that is shelved by now can be unshelved: see `eschedule list`';
      print(event);
    },
  });
  await output.list(drained.stays, stayingShape);
  if (drained.stays.length === 0) return EXIT_CODES.done;
  if (isWaiting) throw notEmpty(drained);
  output.note(`eschedule: ${staying(drained)}; --wait moves those that are stopped`);
  return EXIT_CODES.done;
};

const staying = ({ name, stays }: Drained): string =>
  `${stays.length} ${stays.length === 1 ? 'instance stays' : 'instances stay'} on host ${name}`;

const notEmpty = (drained: Drained): EcomputeError =>
  new EcomputeError('ECOMPUTE_HOST_IN_USE', staying(drained), {
    details: { host: drained.host, instances: drained.stays.map(({ instance }) => instance) },
    hint: 'nothing new comes to the host; stop those that run and drain it again, or destroy them',
  });

export const undrainHost = async (
  { cloud, output, interruption: { signal } }: CommandContext,
  { uuidOrName }: { uuidOrName: string },
): Promise<number> => {
  await cloud.hosts.undrain(uuidOrName, { signal, onEvent: createEventPrinter(output) });
  return EXIT_CODES.done;
};

export const removeHost = async (
  { cloud, output, interruption }: CommandContext,
  { uuidOrName, isForced }: { uuidOrName: string; isForced: boolean },
): Promise<number> => {
  interruption.describe = () =>
    'what was begun is finished: see `eschedule hosts`, and run it again if the host is there';
  const { host, name } = await cloud.hosts.remove(uuidOrName, { isForced, signal: interruption.signal });
  output.note(`eschedule: host ${name} (${host}) is removed`);
  return EXIT_CODES.done;
};

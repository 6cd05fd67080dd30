import { isActionName, WISH_KINDS, type WishArgs, type WishName } from '@etcd-compute/common/wishes/kinds';
import { isReported } from '@etcd-compute/common/wishes/reported';
import { namesOf } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';
import { closeSomeBooks } from '../instances/books.js';
import { findInstances } from '../instances/find-instance.js';
import { nameOf, type InstanceEntry } from '../instances/instance-entry.js';
import { viewOf, type InstanceView } from '../instances/view.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { resolveImage } from '../snapshots/resolve-image.js';
import type { AskAlong, NewWish } from './check-may-ask.js';
import { waitForWishes, type OutcomeIn, type PendingWish } from './wait-for-wishes.js';
import { writeAction } from './write-action.js';
import { writeEdit } from './write-edit.js';

export interface AskOptions<Name extends WishName = WishName> extends RunOptions {
  /** What is written in the txn of each wish. */
  readonly along?: AskAlong | undefined;
  readonly args?: WishArgs<Name>;
  /** How long to wait until it is done. Undefined: return when the wishes are stored; the agents carry them out anyway. */
  readonly waitMs?: number | undefined;
}

/** The outcome of changing instances. */
export interface Changed {
  /** Their last known state, in the order asked, each once. */
  readonly instances: readonly InstanceView[];
  /** The errors of those that failed, or were not done in time. */
  readonly errors: readonly Error[];
}

/**
 * Asks something of instances, such as to stop. It looks up all before it changes any: a typing error must not leave half of them done.
 *
 * @param uuidsOrNames names are looked up in the caller's project.
 * @throws EcomputeError when one is unknown or in a wrong state, and etcd's errors.
 */
export const ask = async <Name extends WishName>(
  services: Services,
  kind: Name,
  { uuidsOrNames, args, along, waitMs, ...options }: AskOptions<Name> & { readonly uuidsOrNames: readonly string[] },
): Promise<Changed> =>
  run(options, async (running) => {
    const parsed = await resolveArgs(services, WISH_KINDS[kind].args.parse(args ?? {}));
    const entries = await findInstances(services, uuidsOrNames);
    const presences = await readPresences(
      services,
      entries.map(({ host }) => host),
    );
    const wishes: PendingWish[] = [];
    for (const entry of entries) {
      const { instance, host } = entry;
      const agent = presences.get(host);
      const outcomeIn = await running.guard(() => write(services, entry, { agent, kind, args: parsed, along }));
      wishes.push({ entry, outcomeIn });
      running.emit({ type: 'asked', instance, name: nameOf(entry), host, kind, isHostDown: !agent });
    }
    const errors = waitMs === undefined ? [] : await waitForWishes(services, { wishes, timeoutMs: waitMs }, running);
    await closeSomeBooks(services);
    return { instances: wishes.map(({ entry }) => viewOf(entry, namesOf(presences))), errors };
  });

/** A snapshot is named by what its name means now. */
const resolveArgs = async (
  services: Services,
  args: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> => {
  const { image: named } = args;
  if (typeof named !== 'string') return args;
  const { image, source } = await resolveImage(services, named);
  return { ...args, image, ...(source && { image_source: source }) };
};

/** @returns how the record will show that it is done. */
const write = async (services: Services, entry: InstanceEntry, { kind, ...wish }: NewWish): Promise<OutcomeIn> => {
  if (isActionName(kind)) {
    const count = await writeAction(services, entry, { kind, ...wish });
    if (count === undefined) return () => null;
    return (record) =>
      record.wish_count < count
        ? undefined
        : (record.outcomes.find((outcome) => outcome.count === count)?.fault ?? null);
  }
  const request = await writeEdit(services, entry, { kind, ...wish });
  return (record) => (!request || isReported(request, record) ? null : undefined);
};

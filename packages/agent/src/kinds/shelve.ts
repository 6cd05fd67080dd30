import { toDiskCopy } from '@etcd-compute/common/etcd/messages/shelved';
import { observeDomain } from '../domains/domain.js';
import { snapshotWrite } from '../images/snapshots/publish.js';
import { copiesOf } from '../snapshots/copies.js';
import { copyDisks, discardCopies } from '../steps/copy-disks.js';
import { defineDomain } from '../steps/define-domain.js';
import { releaseRoom, releaseWith } from '../steps/release-room.js';
import { undoing } from '../steps/undoing.js';
import { build } from './build.js';
import { WITHOUT_SAVED_MEMORY, type KindPlan } from './kind.js';
import { isStart } from './steps-of.js';
import { stop } from './stop.js';

const undefineDomain = undoing(defineDomain);

const takeAway = build.steps
  .filter((step) => step.undo && step !== defineDomain && !isStart(step))
  .toReversed()
  .map((step) => undoing(step));

/** As long as the domain is there, so is everything else of the instance: only then it may go. */
export const shelve: KindPlan = {
  steps: [...stop.steps, copyDisks, undefineDomain, ...takeAway, releaseRoom(build.steps)],
  needs: WITHOUT_SAVED_MEMORY,
  turn: {
    at: undefineDomain,
    isDone: async ({ getConnection }, { instance }) =>
      (await observeDomain(getConnection(), instance)).state === 'absent',
    back: [discardCopies],
  },
  room: (deps, { spec: { instance } }) => releaseWith(deps, instance),
  note: ({ deps, request, wish, ran, keys }) => {
    const copies = copiesOf(deps, request.instance).filter(({ count }) => count === wish?.count);
    return {
      request: { ...request, shelved: { was_running: ran, copies: copies.flatMap((copy) => toDiskCopy(copy) ?? []) } },
      writes: copies.map((copy) => snapshotWrite(keys, copy)),
    };
  },
};

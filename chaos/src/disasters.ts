import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { deleteAllKeys, restoreSnapshot, saveSnapshot } from '@etcd-compute/testing/etcd-snapshot';
import { refoundCloud } from './api/refound.js';
import { putAllocation, type Foreign } from './foreign.js';
import type { Violation } from './invariants/rule.js';
import { findLost } from './lost-things.js';
import type { Ledger } from './ledger.js';
import { acceptEtcd, removeForgottenGuests } from './person.js';
import { playCommand } from './play-command.js';
import type { Play } from './play-round.js';
import { playSilence } from './silence.js';
import { readWorld, type World, type WorldAllocation } from './world.js';

/** What is played between rounds, when everything has settled. Of what happens to etcd, a person has to put things right. */
export const DISASTERS = ['etcd-restored', 'etcd-emptied', 'libvirt-silent'] as const;
export type DisasterKind = (typeof DISASTERS)[number];

/** @param number of the disaster, from 0. */
export const chooseDisaster = (seed: number, number: number): DisasterKind =>
  DISASTERS[(seed + number) % DISASTERS.length] ?? DISASTERS[0];

/** Longer than an allocation's time of grace: by then an agent that takes the wrong conclusion has acted. */
const WATCHED_MS = 30_000;
/** Agents that meet an etcd that is another one wait for a person. */
const UNTIL_ACCEPTED_MS = 8_000;
const LOOK_EVERY_MS = 1000;

export interface DisasterOptions {
  readonly kind: DisasterKind;
  /** Begins the names of the instances that take part. */
  readonly name: string;
  readonly foreign: Foreign;
}

export const playDisaster = async (play: Play, options: DisasterOptions): Promise<Violation[]> => {
  const { kind, name } = options;
  play.diary.note(`disaster ${kind}: begins`);
  return kind === 'libvirt-silent' ? playSilence(play, name) : loseRequests(play, { ...options, kind });
};

type Loss = Exclude<DisasterKind, 'libvirt-silent'>;

/** Afterwards, what guests were forgotten is gone, on the person's word, and the ledger claims nothing of it any more. */
const loseRequests = async (
  play: Play,
  { kind, name, foreign }: DisasterOptions & { kind: Loss },
): Promise<Violation[]> => {
  const { stage, ledger, diary } = play;
  const { members } = stage.etcd;
  const [revived, young] = [`${name}-revived`, `${name}-young`];
  const failed = await playCommand(play, 'boot-and-wait', revived);
  const snapshot = join(stage.dir, `${name}.snapshot`);
  const [member] = members;
  if (!member) throw new Error('etcd has no members');
  await saveSnapshot(member, snapshot, stage.etcdUsers.root);
  const saved = await readWorld(stage);
  failed.push(...(await playCommand(play, 'boot-and-wait', young)));
  failed.push(...(await playCommand(play, 'destroy-and-wait', revived)));
  if (failed.length > 0) return failed;
  const before = whatStays(await readWorld(stage), { kind, saved });
  if (kind === 'etcd-restored') await restoreSnapshot(members, snapshot);
  else await deleteAllKeys(stage.etcd.endpoints, stage.etcdUsers.root);
  diary.note(`disaster ${kind}: has happened`);

  const lost = await watchGuests(play, before, kind);
  if (lost.length > 0) return lost;
  if (kind === 'etcd-emptied') {
    await stage.store.txn(
      [{ key: foreign.key, modRevision: '0' }],
      [{ op: 'put', key: foreign.key, value: foreign.value }],
    );
    if (!stage.placementServer) await putAllocation(stage, foreign);
    await refoundCloud(play);
  }
  forget(ledger, (story) => kind === 'etcd-emptied' || story === young);
  diary.note(`disaster ${kind}: a person puts it right`);
  const left = await removeForgottenGuests(stage);
  return kind === 'etcd-restored' ? [...left, ...(await playCommand(play, 'destroy-and-wait', revived))] : left;
};

/** Where etcd counts room, it forgets that with all else that it forgets. */
const whatStays = (now: World, { kind, saved }: { readonly kind: Loss; readonly saved: World }): World => {
  if (!now.counted) return now;
  const isSaved = ({ consumer }: WorldAllocation): boolean =>
    saved.allocations.some((one) => one.consumer === consumer);
  return { ...now, allocations: kind === 'etcd-emptied' ? [] : now.allocations.filter(isSaved) };
};

/** No guest loses its domain, its disk or its room, though nobody wishes it any more: neither before a restored etcd is accepted nor after. */
const watchGuests = async (play: Play, before: World, kind: Loss): Promise<Violation[]> => {
  if (kind === 'etcd-restored') {
    const lost = await watchFor(play, before, UNTIL_ACCEPTED_MS);
    if (lost.length > 0) return lost;
    for (const host of play.stage.hosts) await acceptEtcd(host);
    play.diary.note(`disaster ${kind}: is accepted`);
  }
  return watchFor(play, before, WATCHED_MS);
};

const watchFor = async ({ stage, signal }: Play, before: World, forMs: number): Promise<Violation[]> => {
  const until = Date.now() + forMs;
  let lost: Violation[] = [];
  while (Date.now() < until && lost.length === 0) {
    await delay(LOOK_EVERY_MS, undefined, { signal });
    // While etcd is being elected, it cannot be read.
    const now = await readWorld(stage).catch(() => undefined);
    if (now) lost = findLost(before, now);
  }
  return lost;
};

/** What people were told of some instances is true no more. */
const forget = (ledger: Ledger, isForgotten: (name: string) => boolean): void => {
  for (const story of ledger.values()) {
    if (!isForgotten(story.name)) continue;
    if (story.boot === 'accepted') story.boot = 'unknown';
    story.destroy = 'unknown';
  }
};

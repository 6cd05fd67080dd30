import type { Random } from '@etcd-compute/chaos/random';
import type { View } from '@etcd-compute/placement/index/view';
import type { FuzzRequest } from '../request.js';

/** What a request is made from: chance, and what is there already, so that most of them make sense. */
export interface Scene {
  readonly random: Random;
  readonly view: View;
  /** The ends of consumers that got nothing from a write: see `withConsumersOf`. */
  readonly refused: ReadonlySet<string>;
}

const uuids = (start: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_none, at) => `${start}0000000-0000-4000-8000-${String(at).padStart(12, '0')}`);

const PROVIDERS = uuids('a', 12);
const CONSUMERS = uuids('c', 300);
export const AGGREGATES = uuids('d', 3);
const PROVIDER_NAMES = Array.from({ length: 12 }, (_none, at) => `provider-${at}`);
export const CLASSES = ['VCPU', 'MEMORY_MB', 'DISK_GB', 'SRIOV_NET_VF', 'CUSTOM_GOLD', 'CUSTOM_SILVER'];
const SHARES = 'MISC_SHARES_VIA_AGGREGATE';
export const TRAITS = ['HW_CPU_X86_AVX', 'HW_NUMA_ROOT', 'COMPUTE_NODE', 'CUSTOM_RED', 'CUSTOM_BLUE', SHARES];
export const PROJECTS = ['project-1', 'project-2'];
export const USERS = ['user-1', 'user-2'];
export const TYPES = ['INSTANCE', 'MIGRATION'];

/** True as often as given, from 0 to 1. */
export const chance = ({ random }: Scene, share: number): boolean => random.next() < share;

/** So many of them at most, and one at least. */
export const atLeastOne = <T>({ random }: Scene, items: readonly T[], most: number): readonly T[] =>
  random.shuffle(items).slice(0, random.whole(1, Math.min(most, items.length)));

/** Mostly one that there is. */
export const aProvider = (scene: Scene): string => {
  const known = [...scene.view.providers()].map(({ uuid }) => uuid);
  return known.length > 0 && !chance(scene, 0.03) ? scene.random.pick(known) : scene.random.pick(PROVIDERS);
};

/** Mostly one that there is not yet. */
export const aNewProvider = (scene: Scene): string => {
  const left = PROVIDERS.filter((uuid) => !scene.view.provider(uuid));
  return scene.random.pick(left.length > 0 && !chance(scene, 0.05) ? left : PROVIDERS);
};

export const aProviderName = (scene: Scene): string => {
  const left = PROVIDER_NAMES.filter((name) => !scene.view.providerNamed(name));
  return scene.random.pick(left.length > 0 && !chance(scene, 0.05) ? left : PROVIDER_NAMES);
};

/** One that holds something already, or one of the next few that can. */
export const aConsumer = ({ random, view, refused }: Scene): string => {
  const busy = [...view.consumers()].map(({ uuid }) => uuid);
  const busyEnds = busy.map(endOf);
  const free = CONSUMERS.filter((uuid) => !refused.has(endOf(uuid)) && !busyEnds.includes(endOf(uuid)));
  return random.pick([...busy, ...free.slice(0, 5)]);
};

/** What is the same of a consumer each time that requests are played. */
const endOf = (uuid: string): string => uuid.slice(8);

/** @returns the ends of the consumers that a request gives allocations to. */
export const consumersOf = ({ method, path, body }: FuzzRequest): readonly string[] =>
  method === 'GET' || method === 'DELETE'
    ? []
    : [...(path + JSON.stringify(body)).matchAll(/c[0-9a-f]{7}(-0000-4000-8000-\d{12})/g)].map(([, end = '']) => end);

/** Those of some consumers that hold nothing. */
export const withoutAllocations = (view: View, ends: readonly string[]): readonly string[] => {
  const busy = new Set([...view.consumers()].map(({ uuid }) => endOf(uuid)));
  return ends.filter((end) => !busy.has(end));
};

/** Mostly one that holds something. */
export const aBusyConsumer = (scene: Scene): string => {
  const busy = [...scene.view.consumers()].map(({ uuid }) => uuid);
  return busy.length > 0 && !chance(scene, 0.1) ? scene.random.pick(busy) : aConsumer(scene);
};

/** Now and then one that there is not. */
export const aClass = (scene: Scene): string =>
  chance(scene, 0.01) ? scene.random.pick(['CUSTOM_NONE', 'NONE']) : scene.random.pick(CLASSES);

export const aTrait = (scene: Scene): string =>
  chance(scene, 0.01) ? scene.random.pick(['CUSTOM_NONE', 'NONE']) : scene.random.pick(TRAITS);

/** Mostly one that has what is asked for, of all there are. */
export const aVersion = (scene: Scene, since: number): number => {
  if (chance(scene, 0.03)) return scene.random.whole(0, 39);
  return chance(scene, 0.4) ? 39 : scene.random.whole(since, 39);
};

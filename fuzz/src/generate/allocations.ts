import { generationOf, type FuzzRequest } from '../request.js';
import {
  aBusyConsumer,
  aClass,
  aConsumer,
  aProvider,
  aVersion,
  chance,
  PROJECTS,
  type Scene,
  TYPES,
  USERS,
} from './names.js';

type Amounts = Readonly<Record<string, number>>;

/** Mostly of what a provider has. */
const someAmounts = (scene: Scene, uuid: string): Amounts => {
  const has = Object.keys(scene.view.provider(uuid)?.inventories ?? {});
  const classes = has.length > 0 && !chance(scene, 0.02) ? scene.random.shuffle(has).slice(0, 2) : [aClass(scene)];
  return Object.fromEntries(classes.map((name) => [name, scene.random.whole(chance(scene, 0.02) ? 0 : 1, 4)]));
};

const someAllocations = (scene: Scene): Readonly<Record<string, Amounts>> => {
  const providers = Array.from({ length: chance(scene, 0.7) ? 1 : 2 }, () => aProvider(scene));
  return Object.fromEntries(providers.map((uuid) => [uuid, someAmounts(scene, uuid)]));
};

/** What a version wants to know of a consumer beside its allocations. */
const aboutConsumer = (scene: Scene, consumer: string, version: number): object => ({
  ...(version >= 8 && { project_id: scene.random.pick(PROJECTS), user_id: scene.random.pick(USERS) }),
  ...(version >= 28 && { consumer_generation: generationOf('consumer', consumer, chance(scene, 0.05) ? 1 : 0) }),
  ...(version >= 38 && { consumer_type: scene.random.pick(TYPES) }),
});

export const setAllocations = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 0);
  const consumer = aConsumer(scene);
  const allocations = version >= 28 && chance(scene, 0.1) ? {} : someAllocations(scene);
  return {
    method: 'PUT',
    path: `/allocations/${consumer}`,
    version,
    body: {
      allocations: version < 12 ? asList(allocations) : asMap(allocations),
      ...aboutConsumer(scene, consumer, version),
    },
  };
};

export const setManyAllocations = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 13);
  const consumers = [...new Set(Array.from({ length: scene.random.whole(1, 3) }, () => aConsumer(scene)))];
  return { method: 'POST', path: '/allocations', version, body: manyAllocations(scene, consumers, version) };
};

const manyAllocations = (scene: Scene, consumers: readonly string[], version: number): object =>
  Object.fromEntries(
    consumers.map((consumer) => [
      consumer,
      {
        allocations: chance(scene, 0.15) ? {} : asMap(someAllocations(scene)),
        ...aboutConsumer(scene, consumer, version),
      },
    ]),
  );

export const deleteAllocations = (scene: Scene): FuzzRequest => ({
  method: 'DELETE',
  path: `/allocations/${aBusyConsumer(scene)}`,
  version: aVersion(scene, 0),
});

export const showAllocations = (scene: Scene): FuzzRequest => ({
  method: 'GET',
  path: `/allocations/${aBusyConsumer(scene)}`,
  version: aVersion(scene, 0),
});

/** Moves one class of a provider to another, with what is allocated of it: as an agent does that finds out about its parts. */
export const reshape = (scene: Scene): FuzzRequest => {
  const [from, to] = [aProvider(scene), aProvider(scene)];
  const version = aVersion(scene, 30);
  const source = scene.view.provider(from)?.inventories ?? {};
  const moved = Object.keys(source).find(() => chance(scene, 0.6));
  const consumers = [...scene.view.consumersOn(from)].filter(() => !chance(scene, 0.05));
  const move = (resourceClass: string, provider: string): string =>
    resourceClass === moved && provider === from ? to : provider;
  const inventories = new Map<string, Record<string, unknown>>([
    [from, {}],
    [to, {}],
  ]);
  for (const uuid of inventories.keys())
    for (const [name, inventory] of Object.entries(scene.view.provider(uuid)?.inventories ?? {})) {
      const target = inventories.get(move(name, uuid));
      if (target) target[name] = inventory;
    }
  const allocations = consumers.map((consumer) => {
    const held = new Map<string, Record<string, number>>();
    for (const [uuid, amounts] of Object.entries(scene.view.consumer(consumer)?.allocations ?? {}))
      for (const [name, amount] of Object.entries(amounts)) {
        const target = held.get(move(name, uuid)) ?? {};
        target[name] = (target[name] ?? 0) + amount;
        held.set(move(name, uuid), target);
      }
    return [
      consumer,
      { allocations: asMap(Object.fromEntries(held)), ...aboutConsumer(scene, consumer, version) },
    ] as const;
  });
  return {
    method: 'POST',
    path: '/reshaper',
    version,
    body: {
      inventories: Object.fromEntries(
        [...inventories].map(([uuid, inventories]) => [
          uuid,
          { inventories, resource_provider_generation: generationOf('provider', uuid, chance(scene, 0.03) ? 1 : 0) },
        ]),
      ),
      allocations: Object.fromEntries(allocations),
    },
  };
};

export const showUsages = (scene: Scene): FuzzRequest => {
  const version = aVersion(scene, 9);
  const query = new URLSearchParams({ project_id: scene.random.pick(PROJECTS) });
  if (chance(scene, 0.4)) query.append('user_id', scene.random.pick(USERS));
  if (version >= 38 && chance(scene, 0.5))
    query.append('consumer_type', scene.random.pick([...TYPES, 'all', 'unknown', 'NONE']));
  return { method: 'GET', path: `/usages?${query.toString()}`, version };
};

const asMap = (allocations: Readonly<Record<string, Amounts>>): object =>
  Object.fromEntries(Object.entries(allocations).map(([uuid, resources]) => [uuid, { resources }]));

const asList = (allocations: Readonly<Record<string, Amounts>>): readonly object[] =>
  Object.entries(allocations).map(([uuid, resources]) => ({ resource_provider: { uuid }, resources }));

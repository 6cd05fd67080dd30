import { createDeck, type Random } from '@etcd-compute/chaos/random';
import type { View } from '@etcd-compute/placement/index/view';
import type { FuzzRequest } from '../request.js';
import {
  deleteAllocations,
  reshape,
  setAllocations,
  setManyAllocations,
  showAllocations,
  showUsages,
} from './allocations.js';
import { askForCandidates } from './candidates.js';
import { addInventory, deleteInventory, setInventories, setInventory } from './inventories.js';
import { CLASSES, consumersOf, TRAITS, withoutAllocations, type Scene } from './names.js';
import { changeClass, changeTrait, showNames } from './names-of-things.js';
import {
  clearTraits,
  createProvider,
  deleteProvider,
  listProviders,
  setAggregates,
  setTraits,
  showProvider,
  updateProvider,
} from './providers.js';

type Make = (scene: Scene) => FuzzRequest;

/** What makes a cloud of an empty Placement. */
const BUILDING = new Map<Make, number>([
  [createProvider, 12],
  [setInventories, 10],
  [addInventory, 3],
  [setTraits, 8],
  [setAggregates, 6],
  [changeTrait, 4],
  [changeClass, 4],
  [setAllocations, 4],
]);

const LIVING = new Map<Make, number>([
  [askForCandidates, 60],
  [listProviders, 12],
  [showProvider, 12],
  [setAllocations, 14],
  [setManyAllocations, 6],
  [deleteAllocations, 5],
  [showAllocations, 5],
  [showUsages, 4],
  [reshape, 6],
  [createProvider, 3],
  [updateProvider, 5],
  [deleteProvider, 2],
  [setInventories, 4],
  [addInventory, 2],
  [setInventory, 5],
  [deleteInventory, 3],
  [setTraits, 5],
  [clearTraits, 1],
  [setAggregates, 4],
  [changeTrait, 3],
  [changeClass, 3],
  [showNames, 3],
]);

/** The names that users make. A round without them has much that is refused. */
const NAMES: readonly FuzzRequest[] = [
  ...CLASSES.map((name) => `/resource_classes/${name}`),
  ...TRAITS.map((name) => `/traits/${name}`),
]
  .filter((path) => path.includes('CUSTOM_'))
  .map((path) => ({ method: 'PUT', path, version: 39 }));

/** The requests of one round: first mostly such that build something. @returns the next one, for what there is now. */
export const createGenerator = (random: Random, buildingCount: number): ((view: View) => FuzzRequest) => {
  const [build, live] = [createDeck(random, BUILDING), createDeck(random, LIVING)];
  const prelude = random.next() < 0.9 ? [...NAMES] : [];
  const refused = new Set<string>();
  let count = 0;
  let concerned: readonly string[] = [];
  return (view) => {
    for (const consumer of withoutAllocations(view, concerned)) refused.add(consumer);
    count += 1;
    const request = prelude.shift() ?? (count <= buildingCount ? build() : live())({ random, view, refused });
    concerned = consumersOf(request);
    return request;
  };
};

import {
  addInventory,
  deleteInventories,
  deleteInventory,
  replaceInventories,
  updateInventory,
} from '../../engine/inventories/change-inventories.js';
import { readInventories, readInventory } from '../../engine/inventories/read-inventory.js';
import { getProvider, requireProvider } from '../../engine/providers/get-provider.js';
import type { Draft } from '../../engine/draft.js';
import { Refusal } from '../../engine/refusal.js';
import type { View } from '../../index/view.js';
import type { Provider } from '../../model/entities.js';
import { bodyOf, paramOf } from '../read-request.js';
import type { ApiReply, ApiRequest, Route } from '../route.js';
import {
  ALL_INVENTORIES_SCHEMA,
  type AllInventoriesBody,
  CHANGED_INVENTORY_SCHEMA,
  type ChangedInventoryBody,
  NEW_INVENTORY_SCHEMA,
  type NewInventoryBody,
} from '../schemas/inventories.js';

const ALL = '/resource_providers/:uuid/inventories';
const ONE = `${ALL}/:resource_class`;

export const inventoryRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: ALL,
    rule: 'placement:resource_providers:inventories:list',
    handle: (request) => request.store.read((view) => showAll(stored(view, paramOf(request, 'uuid')))),
  },
  {
    method: 'POST',
    path: ALL,
    isOfProvider: true,
    rule: 'placement:resource_providers:inventories:create',
    body: () => NEW_INVENTORY_SCHEMA,
    handle: async (request) => {
      const { resource_class: resourceClass, ...given } = bodyOf<NewInventoryBody>(request);
      const one = { provider: paramOf(request, 'uuid'), resourceClass };
      const reply = await request.store.write((draft) => {
        addInventory(draft, one, { inventory: readInventory(given), ...ruleOf(request) });
        return showOne(written(draft, one.provider), resourceClass);
      });
      const location = request.linkTo(`/resource_providers/${one.provider}/inventories/${resourceClass}`);
      return { ...reply, status: 201, location };
    },
  },
  {
    method: 'PUT',
    path: ALL,
    isOfProvider: true,
    rule: 'placement:resource_providers:inventories:update',
    body: () => ALL_INVENTORIES_SCHEMA,
    handle: (request) => {
      const { resource_provider_generation: generation, inventories: given } = bodyOf<AllInventoriesBody>(request);
      const inventories = readInventories(given);
      return request.store.write((draft) => {
        replaceInventories(draft, paramOf(request, 'uuid'), { inventories, generation, ...ruleOf(request) });
        return showAll(written(draft, paramOf(request, 'uuid')));
      });
    },
  },
  {
    method: 'DELETE',
    path: ALL,
    since: 5,
    rule: 'placement:resource_providers:inventories:delete',
    handle: async (request) => {
      await request.store.write((draft) => deleteInventories(draft, paramOf(request, 'uuid')));
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: ONE,
    rule: 'placement:resource_providers:inventories:show',
    handle: (request) =>
      request.store.read((view) => showOne(stored(view, paramOf(request, 'uuid')), classOf(request))),
  },
  {
    method: 'PUT',
    path: ONE,
    isOfProvider: true,
    rule: 'placement:resource_providers:inventories:update',
    body: () => CHANGED_INVENTORY_SCHEMA,
    handle: (request) => {
      const { resource_provider_generation: generation, ...given } = bodyOf<ChangedInventoryBody>(request);
      const one = { provider: paramOf(request, 'uuid'), resourceClass: classOf(request) };
      return request.store.write((draft) => {
        updateInventory(draft, one, { inventory: readInventory(given), generation, ...ruleOf(request) });
        return showOne(written(draft, one.provider), one.resourceClass);
      });
    },
  },
  {
    method: 'DELETE',
    path: ONE,
    rule: 'placement:resource_providers:inventories:delete',
    handle: async (request) => {
      const one = { provider: paramOf(request, 'uuid'), resourceClass: classOf(request) };
      await request.store.write((draft) => deleteInventory(draft, one));
      return { status: 204 };
    },
  },
];

const classOf = (request: ApiRequest): string => paramOf(request, 'resource_class');

const ruleOf = ({ version }: ApiRequest) => ({ mayReserveAll: version >= 26 });

type AtGeneration = readonly [provider: Provider, generation: number];

/** @throws Refusal not-found. */
const stored = (view: View, uuid: string): AtGeneration => [getProvider(view, uuid), view.usage(uuid).generation];

/** A provider as a draft leaves it. */
const written = (draft: Draft, uuid: string): AtGeneration => [
  requireProvider(uuid, draft.peek('provider', uuid)),
  draft.peek('usage', uuid)?.generation ?? 0,
];

const showAll = ([{ inventories, updatedAt }, generation]: AtGeneration): ApiReply => ({
  status: 200,
  body: { resource_provider_generation: generation, inventories },
  lastModified: updatedAt,
});

/** @throws Refusal not-found. */
const showOne = ([{ uuid, inventories, updatedAt }, generation]: AtGeneration, name: string): ApiReply => {
  if (!Object.hasOwn(inventories, name)) throw new Refusal('not-found', `No inventory of class ${name} for ${uuid}`);
  return {
    status: 200,
    body: { ...inventories[name], resource_provider_generation: generation },
    lastModified: updatedAt,
  };
};

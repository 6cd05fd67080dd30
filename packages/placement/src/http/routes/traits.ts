import { clearProviderTraits, setProviderTraits, showProviderTraits } from '../../engine/provider-traits.js';
import { deleteTrait, ensureTrait, findTrait, listTraits, type TraitFilter } from '../../engine/traits.js';
import { badRequest } from '../http-error.js';
import { bodyOf, lastOf, paramOf } from '../read-request.js';
import type { ApiRequest, Route } from '../route.js';
import { CUSTOM_NAME_PATTERN } from '../schemas/patterns.js';
import { PROVIDER_TRAITS_SCHEMA, TRAITS_QUERY_SCHEMA } from '../schemas/traits.js';

const ONE_TRAIT = '/traits/:name';
const OF_PROVIDER = '/resource_providers/:uuid/traits';

const MAX_NAME_LENGTH = 255;
const customName = new RegExp(CUSTOM_NAME_PATTERN);

export const traitRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/traits',
    since: 6,
    rule: 'placement:traits:list',
    query: () => TRAITS_QUERY_SCHEMA,
    handle: async ({ query, store }) => {
      const filter = readFilter(query);
      const traits = await store.read((view) => listTraits(view, filter));
      return { status: 200, body: { traits }, lastModified: Date.now() };
    },
  },
  {
    method: 'GET',
    path: ONE_TRAIT,
    since: 6,
    rule: 'placement:traits:show',
    handle: async (request) => {
      const times = await request.store.read((view) => findTrait(view, paramOf(request, 'name')));
      return { status: 204, lastModified: times?.createdAt ?? Date.now() };
    },
  },
  {
    method: 'PUT',
    path: ONE_TRAIT,
    since: 6,
    rule: 'placement:traits:update',
    handle: async (request) => {
      const name = readCustomName(request);
      const { times, isNew } = await request.store.write((draft) => ensureTrait(draft, name));
      return {
        status: isNew ? 201 : 204,
        location: request.linkTo(`/traits/${name}`),
        lastModified: times.createdAt,
      };
    },
  },
  {
    method: 'DELETE',
    path: ONE_TRAIT,
    since: 6,
    rule: 'placement:traits:delete',
    handle: async (request) => {
      await request.store.write((draft) => deleteTrait(draft, paramOf(request, 'name')));
      return { status: 204 };
    },
  },
  {
    method: 'GET',
    path: OF_PROVIDER,
    since: 6,
    rule: 'placement:resource_providers:traits:list',
    handle: async (request) => {
      const shown = await request.store.read((view) => showProviderTraits(view, paramOf(request, 'uuid')));
      return {
        status: 200,
        body: { traits: shown.traits, resource_provider_generation: shown.generation },
        lastModified: Date.now(),
      };
    },
  },
  {
    method: 'PUT',
    path: OF_PROVIDER,
    since: 6,
    rule: 'placement:resource_providers:traits:update',
    body: () => PROVIDER_TRAITS_SCHEMA,
    handle: async (request) => {
      const body = bodyOf<{ traits: readonly string[]; resource_provider_generation: number }>(request);
      const wanted = { traits: body.traits, generation: body.resource_provider_generation };
      const shown = await request.store.write((draft) => setProviderTraits(draft, paramOf(request, 'uuid'), wanted));
      return {
        status: 200,
        body: { traits: shown.traits, resource_provider_generation: shown.generation },
        lastModified: Date.now(),
      };
    },
  },
  {
    method: 'DELETE',
    path: OF_PROVIDER,
    since: 6,
    rule: 'placement:resource_providers:traits:delete',
    handle: async (request) => {
      await request.store.write((draft) => clearProviderTraits(draft, paramOf(request, 'uuid')));
      return { status: 204 };
    },
  },
];

const readCustomName = (request: ApiRequest): string => {
  const name = paramOf(request, 'name');
  if (name.length > MAX_NAME_LENGTH || !customName.test(name))
    throw badRequest(
      'The trait is invalid. A valid trait must be no longer than 255 characters, ' +
        'start with the prefix "CUSTOM_" and use following characters: "A"-"Z", "0"-"9" and "_"',
    );
  return name;
};

const readFilter = (query: URLSearchParams): TraitFilter => {
  const associated = lastOf(query, 'associated')?.toLowerCase();
  if (associated !== undefined && associated !== 'true' && associated !== 'false')
    throw badRequest('The query parameter "associated" only accepts "true" or "false"');
  return {
    ...readNames(lastOf(query, 'name')),
    ...(associated === undefined ? {} : { isAssociated: associated === 'true' }),
  };
};

const readNames = (text: string | undefined): TraitFilter => {
  if (text === undefined) return {};
  const [, operator, value = ''] = /^([^:]*):(.*)$/s.exec(text) ?? [];
  if (operator === undefined)
    throw badRequest(
      'Badly formatted name parameter. Expected name query string parameter in form: ' +
        `?name=[in|startswith]:[name1,name2|prefix]. Got: "${text}"`,
    );
  if (operator === 'in') return { names: value.split(',') };
  return operator === 'startswith' ? { start: value } : {};
};

import { randomUUID } from 'node:crypto';
import type { Draft } from '../../engine/draft.js';
import { createProvider } from '../../engine/providers/create-provider.js';
import { deleteProvider } from '../../engine/providers/delete-provider.js';
import { getProvider, requireProvider } from '../../engine/providers/get-provider.js';
import { renderProvider } from '../../engine/providers/render-provider.js';
import { updateProvider } from '../../engine/providers/update-provider.js';
import type { View } from '../../index/view.js';
import type { Provider } from '../../model/entities.js';
import { parseUuid } from '../../model/uuid.js';
import { bodyOf, paramOf } from '../read-request.js';
import type { ApiReply, ApiRequest, Route } from '../route.js';
import {
  type ChangedProviderBody,
  changedProviderSchema,
  type NewProviderBody,
  newProviderSchema,
} from '../schemas/resource-providers.js';

const PATH = '/resource_providers/:uuid';

/** All but the list. */
export const resourceProviderRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/resource_providers',
    rule: 'placement:resource_providers:create',
    body: newProviderSchema,
    handle: async (request) => {
      const { name, ...given } = bodyOf<NewProviderBody>(request);
      const uuid = canonical(given.uuid) ?? randomUUID();
      const parent = canonical(given.parent_provider_uuid) ?? null;
      const reply = await request.store.write((draft) => {
        createProvider(draft, { uuid, name, parent });
        return show(request, draft.view, written(draft, uuid));
      });
      const location = request.linkTo(`/resource_providers/${uuid}`);
      return request.version >= 20 ? { ...reply, location } : { status: 201, location };
    },
  },
  {
    method: 'GET',
    path: PATH,
    rule: 'placement:resource_providers:show',
    handle: (request) => request.store.read((view) => show(request, view, getProvider(view, paramOf(request, 'uuid')))),
  },
  {
    method: 'PUT',
    path: PATH,
    isOfProvider: true,
    rule: 'placement:resource_providers:update',
    body: changedProviderSchema,
    handle: async (request) => {
      const { name, parent_provider_uuid: given } = bodyOf<ChangedProviderBody>(request);
      const parent = canonical(given);
      const mayMove = request.version >= 37;
      const uuid = paramOf(request, 'uuid');
      return request.store.write((draft) => {
        updateProvider(draft, uuid, { name, parent, mayMove });
        return show(request, draft.view, written(draft, uuid));
      });
    },
  },
  {
    method: 'DELETE',
    path: PATH,
    rule: 'placement:resource_providers:delete',
    handle: async (request) => {
      await request.store.write((draft) => deleteProvider(draft, paramOf(request, 'uuid')));
      return { status: 204 };
    },
  },
];

const show = (request: ApiRequest, view: View, provider: Provider): ApiReply => ({
  status: 200,
  body: renderProvider(view, provider, request),
  lastModified: provider.updatedAt,
});

/** A provider as a draft leaves it. */
const written = (draft: Draft, uuid: string): Provider => requireProvider(uuid, draft.peek('provider', uuid));

/** A schema has seen to it that it is a UUID, if anything. */
const canonical = <T extends null | undefined>(uuid: string | T): string | T =>
  typeof uuid === 'string' ? (parseUuid(uuid) ?? uuid) : uuid;

import { z } from 'zod';
import { HttpError } from '../../http/http-error.js';
import { paramOf, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { nameTaken, need } from '../engine/errors.js';
import { remove } from '../engine/remove.js';
import type { Identity } from '../identity.js';
import { renderDomain } from '../render.js';
import type { Domain } from '../state/entities.js';
import type { Draft } from '../state/draft.js';
import { extrasOf, idField, nameField, newId, orNothing, tags, text, withExtras } from './fields.js';
import { isAsked, listReply } from './lists.js';

const fields = { description: orNothing(text), enabled: orNothing(z.boolean()), tags: orNothing(tags) };
const KNOWN = ['name', 'explicit_domain_id', ...Object.keys(fields)];

const createBody = z.object({
  domain: withExtras({ name: nameField, explicit_domain_id: orNothing(idField), ...fields }),
});
const updateBody = z.object({ domain: withExtras({ name: orNothing(nameField), ...fields }) });

export const createDomainRoutes = (identity: Identity): readonly Route[] => {
  const { store, url } = identity;
  const target = (request: Pick<ApiRequest, 'params'>) => ({ 'target.domain.id': paramOf(request, 'id') });
  const reply = (domain: Domain, status = 200) => ({ status, body: { domain: renderDomain(domain, url) } });

  return [
    {
      method: 'GET',
      path: '/v3/domains',
      rule: 'identity:list_domains',
      handle: (request) => {
        const items = store
          .view()
          .list('domain')
          .filter(({ name, enabled }) => isAsked(request.query, { name, enabled }));
        return listReply(identity, request, { name: 'domains', items, render: renderDomain });
      },
    },
    withBody({
      method: 'POST',
      path: '/v3/domains',
      rule: 'identity:create_domain',
      body: createBody,
      handle: async ({ body: { domain: body } }) => {
        const { name, description = '', enabled = true, tags = [], explicit_domain_id: id = newId() } = body;
        const domain: Domain = {
          version: 1,
          id,
          name,
          description,
          enabled,
          tags,
          epoch: 0,
          extra: extrasOf(body, KNOWN),
        };
        await store.write((draft) => {
          refuseName(draft, name);
          if (draft.view.get('domain', id)) throw nameTaken('domain', id);
          draft.put('domain', domain);
        });
        return reply(domain, 201);
      },
    }),
    {
      method: 'GET',
      path: '/v3/domains/:id',
      rule: 'identity:get_domain',
      target,
      handle: (request) => reply(need(store.view(), 'domain', paramOf(request, 'id'))),
    },
    withBody({
      method: 'PATCH',
      path: '/v3/domains/:id',
      rule: 'identity:update_domain',
      target,
      body: updateBody,
      handle: async (request) => {
        const { name, description, enabled, tags } = request.body.domain;
        return reply(
          await store.write((draft) => {
            const before = need(draft.view, 'domain', paramOf(request, 'id'));
            if (name !== undefined && name !== before.name) refuseName(draft, name);
            const after: Domain = {
              ...before,
              name: name ?? before.name,
              description: description ?? before.description,
              enabled: enabled ?? before.enabled,
              epoch: before.epoch + Number(enabled === false),
              tags: tags ?? before.tags,
              extra: { ...before.extra, ...extrasOf(request.body.domain, KNOWN) },
            };
            draft.put('domain', after);
            return after;
          }),
        );
      },
    }),
    {
      method: 'DELETE',
      path: '/v3/domains/:id',
      rule: 'identity:delete_domain',
      target,
      handle: async (request) => {
        const id = paramOf(request, 'id');
        await remove(store, { kind: 'domain', id }, (view) => {
          if (need(view, 'domain', id).enabled)
            throw new HttpError(403, 'Cannot delete a domain that is enabled, please disable it first.');
        });
        return { status: 204 };
      },
    },
  ];
};

const refuseName = ({ view }: Draft, name: string): void => {
  if (view.named('domain', name)) throw nameTaken('domain', name);
};

import { z } from 'zod';
import { badRequest } from '../../http/http-error.js';
import { callerOf, paramOf, PUBLIC, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { showByPassword } from '../auth/methods.js';
import { nameTaken, need, unauthorized } from '../engine/errors.js';
import { remove } from '../engine/remove.js';
import type { Identity } from '../identity.js';
import { hashPassword } from '../passwords/hash.js';
import { renderUser } from '../render.js';
import type { Draft } from '../state/draft.js';
import type { User } from '../state/entities.js';
import { extrasOf, idField, nameField, newId, orNothing, passwordField, text, withExtras } from './fields.js';
import { isAsked, listReply } from './lists.js';

const fields = {
  description: orNothing(text),
  enabled: orNothing(z.boolean()),
  domain_id: orNothing(idField),
  default_project_id: orNothing(idField),
  password: orNothing(passwordField),
};
const KNOWN = ['name', 'original_password', ...Object.keys(fields)];

const createBody = z.object({ user: withExtras({ name: nameField, ...fields }) });
const updateBody = z.object({ user: withExtras({ name: orNothing(nameField), ...fields }) });
const passwordBody = z.object({ user: z.object({ original_password: passwordField, password: passwordField }) });

export const createUserRoutes = (identity: Identity): readonly Route[] => {
  const { store, url } = identity;
  const target = (request: Pick<ApiRequest, 'params'>) => {
    const id = paramOf(request, 'id');
    return { 'target.user.id': id, 'target.user.domain_id': store.view().get('user', id)?.domain };
  };
  const reply = (user: User, status = 200) => ({ status, body: { user: renderUser(user, url) } });

  return [
    {
      method: 'GET',
      path: '/v3/users',
      rule: 'identity:list_users',
      target: ({ query }) => ({ 'target.domain_id': query.get('domain_id') ?? undefined }),
      handle: (request) =>
        listReply(identity, request, {
          name: 'users',
          items: filterUsers(store.view().list('user'), request),
          render: renderUser,
        }),
    },
    withBody({
      method: 'POST',
      path: '/v3/users',
      rule: 'identity:create_user',
      body: createBody,
      handle: async (request) => {
        const { user: body } = request.body;
        const { name, description, enabled = true, default_project_id: project, password } = body;
        const domain = body.domain_id ?? callerOf(request).projectDomainId ?? callerOf(request).userDomainId;
        const user: User = {
          version: 1,
          id: newId(),
          domain,
          name,
          enabled,
          epoch: 0,
          extra: extrasOf(body, KNOWN),
          ...(description !== undefined && { description }),
          ...(project !== undefined && { default_project: project }),
        };
        const hash = password === undefined ? undefined : await hashPassword(password);
        await store.write((draft) => {
          if (!draft.view.get('domain', domain)) throw badRequest(`Could not find domain: ${domain}.`);
          refuseName(draft, user);
          draft.put('user', user);
          if (hash !== undefined) draft.put('password', { version: 1, user: user.id, hash });
        });
        return reply(user, 201);
      },
    }),
    {
      method: 'GET',
      path: '/v3/users/:id',
      rule: 'identity:get_user',
      target,
      handle: (request) => reply(need(store.view(), 'user', paramOf(request, 'id'))),
    },
    withBody({
      method: 'PATCH',
      path: '/v3/users/:id',
      rule: 'identity:update_user',
      target,
      body: updateBody,
      handle: async (request) => {
        const { name, description, enabled, domain_id, default_project_id, password } = request.body.user;
        const hash = password === undefined ? undefined : await hashPassword(password);
        return reply(
          await store.write((draft) => {
            const before = need(draft.view, 'user', paramOf(request, 'id'));
            if (domain_id !== undefined && domain_id !== before.domain) throw badRequest('A user stays in its domain.');
            const after: User = {
              ...before,
              name: name ?? before.name,
              enabled: enabled ?? before.enabled,
              epoch: before.epoch + Number(enabled === false || hash !== undefined),
              extra: { ...before.extra, ...extrasOf(request.body.user, KNOWN) },
              ...(description !== undefined && { description }),
              ...(default_project_id !== undefined && { default_project: default_project_id }),
            };
            if (after.name !== before.name) refuseName(draft, after);
            draft.put('user', after);
            if (hash !== undefined) draft.put('password', { version: 1, user: after.id, hash });
            return after;
          }),
        );
      },
    }),
    {
      method: 'DELETE',
      path: '/v3/users/:id',
      rule: 'identity:delete_user',
      target,
      handle: async (request) => {
        const id = paramOf(request, 'id');
        await remove(store, { kind: 'user', id }, (view) => need(view, 'user', id));
        return { status: 204 };
      },
    },
    withBody({
      method: 'POST',
      path: '/v3/users/:id/password',
      // Who knows the password is who he is: a token may have been revoked with an earlier one.
      rule: PUBLIC,
      body: passwordBody,
      handle: async (request) => {
        const { original_password: password, password: next } = request.body.user;
        await store.look();
        const shown = await showByPassword(identity, {
          user: { id: paramOf(request, 'id'), password },
          address: request.address,
        });
        if (!shown?.user.enabled) throw unauthorized();
        const hash = await hashPassword(next);
        await store.write((draft) => {
          const user = need(draft.view, 'user', shown.user.id);
          // The password may have been changed meanwhile.
          if (user.epoch !== shown.user.epoch) throw unauthorized();
          draft.put('user', { ...user, epoch: user.epoch + 1 });
          draft.put('password', { version: 1, user: user.id, hash });
        });
        return { status: 204 };
      },
    }),
  ];
};

export const filterUsers = (users: readonly User[], { query }: Pick<ApiRequest, 'query'>): readonly User[] =>
  users.filter(({ name, enabled, domain }) => isAsked(query, { name, enabled, domain_id: domain }));

const refuseName = ({ view }: Draft, { name, domain }: User): void => {
  if (view.named('user', name, domain)) throw nameTaken('user', name);
};

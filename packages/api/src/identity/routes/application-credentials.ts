import { z } from 'zod';
import { badRequest, HttpError, notFound } from '../../http/http-error.js';
import { callerOf, paramOf, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { nameTaken, need } from '../engine/errors.js';
import { rolesOf } from '../engine/roles-of.js';
import type { Identity } from '../identity.js';
import { createSecret, hashPassword, hashSecret } from '../passwords/hash.js';
import { renderCredential } from '../render.js';
import type { Credential } from '../state/entities.js';
import type { View } from '../state/view.js';
import { idField, nameField, newId, orNothing, passwordField, text } from './fields.js';
import { isAsked, listReply } from './lists.js';

const roleRef = z.object({ id: idField.optional(), name: nameField.optional() });

const createBody = z.object({
  application_credential: z.object({
    name: nameField,
    description: orNothing(text),
    secret: orNothing(passwordField),
    expires_at: orNothing(z.string().max(64)),
    roles: orNothing(z.array(roleRef).max(50)),
    unrestricted: orNothing(z.boolean()),
    access_rules: orNothing(z.array(z.unknown()).max(0, 'access rules are not supported')),
    project_id: orNothing(idField),
  }),
});

/** More than a person needs, and less than fills etcd. */
const MAX_CREDENTIALS = 100;
const PATH = '/v3/users/:id/application_credentials';

export const createCredentialRoutes = (identity: Identity): readonly Route[] => {
  const { store, url, now } = identity;
  const target = (request: Pick<ApiRequest, 'params'>) => ({ 'target.user.id': paramOf(request, 'id') });

  return [
    {
      method: 'GET',
      path: PATH,
      rule: 'identity:list_application_credentials',
      target,
      handle: (request) => {
        const view = store.view();
        const user = need(view, 'user', paramOf(request, 'id'));
        const items = view
          .credentialsOf(user.id)
          .filter(({ name }) => isAsked(request.query, { name }))
          .toSorted((a, b) => (a.id < b.id ? -1 : 1));
        return listReply(identity, request, {
          name: 'application_credentials',
          items,
          render: (item, url) => renderCredential(view, item, { url }),
        });
      },
    },
    withBody({
      method: 'POST',
      path: PATH,
      rule: 'identity:create_application_credential',
      target,
      body: createBody,
      handle: async (request) => {
        const caller = callerOf(request);
        if (caller.isRestricted)
          throw new HttpError(
            403,
            'A token of a restricted application credential cannot be used to make another one.',
          );
        const { projectId: project } = caller;
        if (project === undefined)
          throw badRequest('An application credential is for a project: the token must be for one, too.');
        const { application_credential: body } = request.body;
        const secret = body.secret ?? createSecret();
        const hash = body.secret === undefined ? hashSecret(secret) : await hashPassword(secret);
        const expires = readTime(body.expires_at, now());
        const credential = await store.write((draft) => {
          const { view } = draft;
          const user = need(view, 'user', paramOf(request, 'id'));
          const own = view.credentialsOf(user.id);
          if (own.some(({ name }) => name === body.name)) throw nameTaken('credential', body.name);
          if (own.length >= MAX_CREDENTIALS)
            throw new HttpError(403, `A user may have ${MAX_CREDENTIALS} application credentials.`);
          const made: Credential = {
            version: 1,
            id: newId(),
            user: user.id,
            project,
            name: body.name,
            description: body.description ?? '',
            roles: chooseRoles(view, { user: user.id, project, held: caller.roles, asked: body.roles }),
            hash,
            unrestricted: body.unrestricted ?? false,
            ...(expires !== undefined && { expires_at: expires }),
          };
          draft.put('credential', made);
          return made;
        });
        return {
          status: 201,
          body: { application_credential: renderCredential(store.view(), credential, { url, secret }) },
        };
      },
    }),
    {
      method: 'GET',
      path: `${PATH}/:credential`,
      rule: 'identity:get_application_credential',
      target,
      handle: (request) => ({
        status: 200,
        body: {
          application_credential: renderCredential(store.view(), needCredential(store.view(), request), { url }),
        },
      }),
    },
    {
      method: 'DELETE',
      path: `${PATH}/:credential`,
      rule: 'identity:delete_application_credential',
      target,
      handle: async (request) => {
        if (callerOf(request).isRestricted)
          throw new HttpError(403, 'A token of a restricted application credential cannot be used to delete one.');
        await store.write((draft) => draft.delete('credential', needCredential(draft.view, request).id));
        return { status: 204 };
      },
    },
  ];
};

const needCredential = (view: View, request: Pick<ApiRequest, 'params'>): Credential => {
  const id = paramOf(request, 'credential');
  const credential = view.get('credential', id);
  // That of another user is not there.
  if (credential?.user !== paramOf(request, 'id')) throw notFound(`Could not find application credential: ${id}.`);
  return credential;
};

interface RoleChoice {
  readonly user: string;
  readonly project: string;
  /** Names: what the token has. */
  readonly held: readonly string[];
  readonly asked: readonly { readonly id?: string | undefined; readonly name?: string | undefined }[] | undefined;
}

/** @returns ids. @throws HttpError 400 when somebody would give what he has not. */
const chooseRoles = (view: View, { user, project, held, asked }: RoleChoice): string[] => {
  const own = rolesOf(view, user, { type: 'project', id: project }).filter(({ name }) => held.includes(name));
  if (asked === undefined) return own.map(({ id }) => id);
  return asked.map(({ id, name }) => {
    const role = own.find((role) => (id === undefined ? role.name === name : role.id === id));
    if (!role) throw badRequest(`The user does not have the role ${id ?? name ?? ''} in the project.`);
    return role.id;
  });
};

/** Without a time zone it is UTC. */
const readTime = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const time = Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  if (Number.isNaN(time)) throw badRequest('expires_at is not a time such as 2030-01-31T12:00:00.');
  if (time <= now) throw badRequest('expires_at has passed.');
  return time;
};

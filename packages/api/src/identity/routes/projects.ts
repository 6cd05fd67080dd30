import { z } from 'zod';
import { badRequest } from '../../http/http-error.js';
import { callerOf, paramOf, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { nameTaken, need } from '../engine/errors.js';
import { remove } from '../engine/remove.js';
import { assignmentsFor } from '../engine/roles-of.js';
import type { Identity } from '../identity.js';
import { renderProject } from '../render.js';
import type { Draft } from '../state/draft.js';
import type { Project } from '../state/entities.js';
import type { View } from '../state/view.js';
import { extrasOf, idField, nameField, newId, orNothing, tags, text, withExtras } from './fields.js';
import { isAsked, listReply } from './lists.js';

const fields = {
  description: orNothing(text),
  enabled: orNothing(z.boolean()),
  tags: orNothing(tags),
  domain_id: orNothing(idField),
  parent_id: orNothing(idField),
  is_domain: orNothing(z.literal(false, 'domains are made by /v3/domains')),
};
const KNOWN = ['name', ...Object.keys(fields)];

const createBody = z.object({ project: withExtras({ name: nameField, ...fields }) });
const updateBody = z.object({ project: withExtras({ name: orNothing(nameField), ...fields }) });

export const createProjectRoutes = (identity: Identity): readonly Route[] => {
  const { store, url } = identity;
  const target = (request: Pick<ApiRequest, 'params'>) => {
    const id = paramOf(request, 'id');
    return { 'target.project.id': id, 'target.project.domain_id': store.view().get('project', id)?.domain };
  };
  const reply = (project: Project, status = 200) => ({ status, body: { project: renderProject(project, url) } });

  return [
    {
      method: 'GET',
      path: '/v3/projects',
      rule: 'identity:list_projects',
      target: ({ query }) => ({ 'target.domain_id': query.get('domain_id') ?? undefined }),
      handle: (request) => listProjects(identity, request, store.view().list('project')),
    },
    withBody({
      method: 'POST',
      path: '/v3/projects',
      rule: 'identity:create_project',
      body: createBody,
      handle: async (request) => {
        const { project: body } = request.body;
        const { name, description = '', enabled = true, tags = [], parent_id } = body;
        const domain =
          body.domain_id ?? parent_id ?? callerOf(request).projectDomainId ?? callerOf(request).userDomainId;
        const extra = extrasOf(body, KNOWN);
        const project: Project = { version: 1, id: newId(), domain, name, description, enabled, tags, epoch: 0, extra };
        await store.write((draft) => {
          if (!draft.view.get('domain', domain)) throw badRequest(`Could not find domain: ${domain}.`);
          refuseParent(project, parent_id);
          refuseName(draft, project);
          draft.put('project', project);
        });
        return reply(project, 201);
      },
    }),
    {
      method: 'GET',
      path: '/v3/projects/:id',
      rule: 'identity:get_project',
      target,
      handle: (request) => reply(need(store.view(), 'project', paramOf(request, 'id'))),
    },
    withBody({
      method: 'PATCH',
      path: '/v3/projects/:id',
      rule: 'identity:update_project',
      target,
      body: updateBody,
      handle: async (request) => {
        const { name, description, enabled, tags, domain_id, parent_id } = request.body.project;
        return reply(
          await store.write((draft) => {
            const before = need(draft.view, 'project', paramOf(request, 'id'));
            if (domain_id !== undefined && domain_id !== before.domain)
              throw badRequest('A project stays in its domain.');
            refuseParent(before, parent_id);
            const after: Project = {
              ...before,
              name: name ?? before.name,
              description: description ?? before.description,
              enabled: enabled ?? before.enabled,
              epoch: before.epoch + Number(enabled === false),
              tags: tags ?? before.tags,
              extra: { ...before.extra, ...extrasOf(request.body.project, KNOWN) },
            };
            if (after.name !== before.name) refuseName(draft, after);
            draft.put('project', after);
            return after;
          }),
        );
      },
    }),
    {
      method: 'DELETE',
      path: '/v3/projects/:id',
      rule: 'identity:delete_project',
      target,
      handle: async (request) => {
        const id = paramOf(request, 'id');
        await remove(store, { kind: 'project', id }, (view) => need(view, 'project', id));
        return { status: 204 };
      },
    },
    {
      method: 'GET',
      path: '/v3/users/:id/projects',
      rule: 'identity:list_user_projects',
      target: (request) => {
        const id = paramOf(request, 'id');
        return { 'target.user.id': id, 'target.user.domain_id': store.view().get('user', id)?.domain };
      },
      handle: (request) => {
        const user = need(store.view(), 'user', paramOf(request, 'id'));
        return listProjects(identity, request, projectsOf(store.view(), user.id));
      },
    },
  ];
};

/** Those where a user has a role. */
export const projectsOf = (view: View, user: string): readonly Project[] => {
  const ids = assignmentsFor(view, user)
    .filter(({ target }) => target === 'project')
    .map(({ target_id }) => target_id);
  return [...new Set(ids)]
    .toSorted()
    .map((id) => view.get('project', id))
    .filter((project) => project !== undefined);
};

const listProjects = (identity: Identity, request: Pick<ApiRequest, 'query' | 'url'>, projects: readonly Project[]) => {
  const items = projects.filter(({ name, enabled, domain }) =>
    isAsked(request.query, { name, enabled, domain_id: domain, parent_id: domain, is_domain: false }),
  );
  return listReply(identity, request, { name: 'projects', items, render: renderProject });
};

const refuseName = ({ view }: Draft, { name, domain }: Project): void => {
  if (view.named('project', name, domain)) throw nameTaken('project', name);
};

const refuseParent = ({ domain }: Project, parent: string | undefined): void => {
  if (parent !== undefined && parent !== domain)
    throw badRequest('Projects within projects are not supported: parent_id must be the domain.');
};

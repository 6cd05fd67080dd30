import { z } from 'zod';
import { badRequest } from '../../http/http-error.js';
import { paramOf, type ApiRequest, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { checkWanted, limitFields, type Wanted } from '../engine/change-quotas.js';
import { countUses } from '../engine/count-uses.js';
import { pickShown } from '../engine/quota-resources.js';
import { defaultLimits, limitsOf, projectQuotaId, type Resource } from '../engine/quotas.js';
import { boolean } from './fields.js';

interface UpdateBody {
  readonly quota_set: Wanted & { readonly force?: boolean | undefined };
}

const bodyIn = (minor: number): z.ZodType<UpdateBody> =>
  z.strictObject({ quota_set: z.strictObject({ ...limitFields(minor), force: boolean.optional() }) });

const target = ({ params }: Omit<ApiRequest, 'body'>) => ({ 'target.project_id': params['project'] });

/** https://docs.openstack.org/api-ref/compute/#quota-sets-os-quota-sets */
export const createQuotaSetRoutes = (compute: Compute): readonly Route[] => {
  const { store, hasProject, usageOf } = compute;
  /** @throws HttpError 400. */
  const projectOf = (request: Pick<ApiRequest, 'params'>): string => {
    const project = paramOf(request, 'project');
    if (!hasProject(project)) throw badRequest(`Project ID ${project} is not a valid project.`);
    return project;
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/os-quota-sets/:project',
      rule: 'compute:quota_sets:show',
      target,
      // A user of a project has its limits.
      handle: (request) => {
        const project = projectOf(request);
        const limits = pickShown(limitsOf(store.view(), project), request.minor);
        return { status: 200, body: { quota_set: { id: project, ...limits } } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-quota-sets/:project/defaults',
      rule: 'compute:quota_sets:show',
      target,
      handle: (request) => {
        const project = projectOf(request);
        const limits = pickShown(defaultLimits(store.view()), request.minor);
        return { status: 200, body: { quota_set: { id: project, ...limits } } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/os-quota-sets/:project/detail',
      rule: 'compute:quota_sets:show',
      target,
      handle: async (request) => {
        const project = projectOf(request);
        const uses = await countUses(compute, { project, user: request.query.get('user_id') ?? request.caller.userId });
        const details = Object.entries(pickShown(limitsOf(store.view(), project), request.minor)).map(
          ([resource, limit]) => [
            resource,
            // eslint-disable-next-line typescript/no-unsafe-type-assertion -- limits are of resources
            { limit, in_use: uses[resource as Resource] ?? 0, reserved: 0 },
          ],
        );
        return { status: 200, body: { quota_set: { id: project, ...Object.fromEntries(details) } } };
      },
    }),
    computeRoute({
      method: 'PUT',
      path: '/os-quota-sets/:project',
      rule: 'compute:quota_sets:update',
      body: bodyIn,
      handle: async (request) => {
        refuseUser(request.query);
        const project = projectOf(request);
        const { force, ...wanted } = request.body.quota_set;
        const usage = force === true ? undefined : await usageOf(project);
        const limits = await store.write((draft) => {
          const before = limitsOf(draft.view, project);
          const changed = checkWanted(wanted, { limits: before, usage });
          const id = projectQuotaId(project);
          draft.put('quota', { version: 1, id, limits: { ...draft.view.get('quota', id)?.limits, ...changed } });
          return { ...before, ...changed };
        });
        return { status: 200, body: { quota_set: pickShown(limits, request.minor) } };
      },
    }),
    computeRoute({
      method: 'DELETE',
      path: '/os-quota-sets/:project',
      rule: 'compute:quota_sets:delete',
      handle: async (request) => {
        refuseUser(request.query);
        await store.write((draft) => draft.delete('quota', projectQuotaId(paramOf(request, 'project'))));
        return { status: 202 };
      },
    }),
  ];
};

/** @throws HttpError 400. */
const refuseUser = (query: URLSearchParams): void => {
  if (query.has('user_id')) throw badRequest('Users have no limits of their own here: only projects have.');
};

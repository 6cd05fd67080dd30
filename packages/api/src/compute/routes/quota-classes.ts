import { z } from 'zod';
import { notFound } from '../../http/http-error.js';
import { paramOf, type ApiRequest, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { checkWanted, limitFields, type Wanted } from '../engine/change-quotas.js';
import { pickShown } from '../engine/quota-resources.js';
import { DEFAULT_CLASS, defaultLimits, DEFAULT_QUOTA_ID, type Limits } from '../engine/quotas.js';

/** The version from which they tell of the same as quota sets. */
const CLEAN = 50;

interface UpdateBody {
  readonly quota_class_set: Wanted;
}

const bodyIn = (minor: number): z.ZodType<UpdateBody> =>
  z.strictObject({ quota_class_set: z.strictObject(limitFields(minor >= CLEAN ? minor : 1)) });

const render = (limits: Limits, minor: number): object => {
  if (minor >= CLEAN) return pickShown(limits, minor);
  const { server_groups: _groups, server_group_members: _members, ...rest } = limits;
  return rest;
};

/** The limits of all projects that have none of their own. https://docs.openstack.org/api-ref/compute/#quota-class-sets-os-quota-class-sets */
export const createQuotaClassRoutes = ({ store }: Compute): readonly Route[] => [
  computeRoute({
    method: 'GET',
    path: '/os-quota-class-sets/:class',
    rule: 'compute:quota_class_sets:show',
    handle: (request) => {
      const id = needClass(request);
      return {
        status: 200,
        body: { quota_class_set: { id, ...render(defaultLimits(store.view()), request.minor) } },
      };
    },
  }),
  computeRoute({
    method: 'PUT',
    path: '/os-quota-class-sets/:class',
    rule: 'compute:quota_class_sets:update',
    body: bodyIn,
    handle: async (request) => {
      needClass(request);
      const limits = await store.write((draft) => {
        const before = defaultLimits(draft.view);
        const changed = checkWanted(request.body.quota_class_set, { limits: before, usage: undefined });
        const own = { ...draft.view.get('quota', DEFAULT_QUOTA_ID)?.limits, ...changed };
        draft.put('quota', { version: 1, id: DEFAULT_QUOTA_ID, limits: own });
        return { ...before, ...changed };
      });
      return { status: 200, body: { quota_class_set: render(limits, request.minor) } };
    },
  }),
];

/** @throws HttpError 404. */
const needClass = (request: Pick<ApiRequest, 'params'>): string => {
  const name = paramOf(request, 'class');
  if (name !== DEFAULT_CLASS) throw notFound('There is one class of limits, which is called default.');
  return name;
};

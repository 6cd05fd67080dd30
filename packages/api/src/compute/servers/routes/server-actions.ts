import { z } from 'zod';
import { HttpError } from '../../../http/http-error.js';
import type { Route } from '../../../http/route.js';
import { isAdmin } from '../../engine/find-flavor.js';
import { computeRoute } from '../../compute-route.js';
import type { ServerAction } from '../actions/action.js';
import { CONSOLE_ACTIONS } from '../actions/console-output.js';
import { IMAGE_ACTIONS } from '../actions/create-image.js';
import { LOCK_ACTIONS } from '../actions/lock.js';
import { REFUSED_ACTIONS } from '../actions/not-here.js';
import { POWER_ACTIONS } from '../actions/power.js';
import { REBUILD_ACTIONS } from '../actions/rebuild.js';
import { REMOTE_CONSOLE_ACTIONS } from '../actions/remote-console.js';
import { RESIZE_ACTIONS } from '../actions/resize.js';
import { SHELVE_ACTIONS } from '../actions/shelve.js';
import type { Servers } from '../servers.js';
import { targetOf } from './server-route.js';

const ACTIONS: Readonly<Record<string, ServerAction>> = {
  ...POWER_ACTIONS,
  ...LOCK_ACTIONS,
  ...RESIZE_ACTIONS,
  ...REBUILD_ACTIONS,
  ...SHELVE_ACTIONS,
  ...CONSOLE_ACTIONS,
  ...REMOTE_CONSOLE_ACTIONS,
  ...IMAGE_ACTIONS,
  ...REFUSED_ACTIONS,
};

/** One of the actions that a version has, by name. */
const bodyOf = (minor: number) => {
  const there = Object.entries(ACTIONS).filter(
    ([, { since = 1, until = Number.POSITIVE_INFINITY }]) => minor >= since && minor <= until,
  );
  return z
    .strictObject(Object.fromEntries(there.map(([name, { args }]) => [name, args(minor).optional()])))
    .refine((body) => Object.keys(body).length === 1, 'expected one action');
};

/** https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action */
export const createServerActionRoutes = (servers: Servers): readonly Route[] => [
  computeRoute({
    method: 'POST',
    path: '/servers/:id/action',
    rule: 'compute:servers:act',
    body: bodyOf,
    handle: async (request) => {
      const target = targetOf(servers, request);
      const [[name, args] = ['', undefined]] = Object.entries(request.body);
      const action = ACTIONS[name];
      if (!action) throw new TypeError(`there is no action ${name}`);
      if (action.isForAdmins && !isAdmin(request.caller))
        throw new HttpError(403, `Policy doesn't allow compute:servers:act:${name} to be performed.`);
      return action.run({ servers, target, args, request });
    },
  }),
];

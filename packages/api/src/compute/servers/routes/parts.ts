import { HttpError, notFound } from '../../../http/http-error.js';
import { paramOf, type Route } from '../../../http/route.js';
import { addressesOf } from '../../../network/engine/ports.js';
import { defaultGroupOf } from '../../../network/engine/security-group.js';
import { computeRoute, type ComputeRequest } from '../../compute-route.js';
import { nicsOf } from '../engine/nics-of.js';
import { briefAddresses } from '../render/render-server.js';
import type { Servers } from '../servers.js';
import { targetOf } from './server-route.js';

/** What a server has beside itself: addresses, security groups, what it has not. */
export const createPartRoutes = (servers: Servers): readonly Route[] => {
  const addressesFor = (request: ComputeRequest) =>
    briefAddresses(addressesOf({ nics: nicsOf(targetOf(servers, request).item.report) }));
  const notHere = (
    { rule = 'compute:servers:update', ...route }: Pick<Route, 'method' | 'path'> & Partial<Pick<Route, 'rule'>>,
    sentence: string,
  ): Route =>
    computeRoute({
      ...route,
      rule,
      refusal: sentence,
      handle: (request) => {
        targetOf(servers, request);
        throw new HttpError(501, sentence);
      },
    });

  return [
    computeRoute({
      method: 'GET',
      path: '/servers/:id/ips',
      rule: 'compute:servers:show',
      handle: (request) => ({ status: 200, body: { addresses: addressesFor(request) } }),
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/:id/ips/:network',
      rule: 'compute:servers:show',
      handle: (request) => {
        const name = paramOf(request, 'network');
        const own = addressesFor(request)[name];
        if (!own) throw notFound('Network name not found');
        return { status: 200, body: { [name]: own } };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/:id/os-security-groups',
      rule: 'compute:servers:show',
      handle: (request) => {
        const { project } = targetOf(servers, request).item.server;
        const { id, name, description, rules } = defaultGroupOf(project);
        const shown = rules
          .filter(({ direction }) => direction === 'ingress')
          .map((rule) => ({
            id: rule.id,
            parent_group_id: id,
            ip_protocol: null,
            from_port: null,
            to_port: null,
            ip_range: { cidr: rule.ethertype === 'IPv4' ? '0.0.0.0/0' : '::/0' },
            group: {},
          }));
        return {
          status: 200,
          body: { security_groups: [{ id, name, description, tenant_id: project, rules: shown }] },
        };
      },
    }),
    computeRoute({
      method: 'GET',
      path: '/servers/:id/os-volume_attachments',
      rule: 'compute:servers:show',
      handle: (request) => {
        targetOf(servers, request);
        return { status: 200, body: { volumeAttachments: [] } };
      },
    }),
    notHere({ method: 'POST', path: '/servers/:id/os-volume_attachments' }, 'There are no volumes here.'),
    computeRoute({
      method: 'GET',
      path: '/servers/:id/os-server-password',
      rule: 'compute:servers:show',
      handle: (request) => {
        // Guests here have no way to tell it.
        targetOf(servers, request);
        return { status: 200, body: { password: '' } };
      },
    }),
    notHere(
      { method: 'GET', path: '/servers/:id/diagnostics', rule: 'compute:servers:diagnose' },
      'There are no diagnostics of servers here: `eschedule show` has what is known.',
    ),
  ];
};

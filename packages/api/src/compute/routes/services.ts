import { drain } from '@etcd-compute/cloud/hosts/drain';
import { undrain } from '@etcd-compute/cloud/hosts/undrain';
import type { HostView } from '@etcd-compute/cloud/hosts/view';
import { EcomputeError } from '@etcd-compute/common/errors';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import { z } from 'zod';
import { badRequest, HttpError, notFound } from '../../http/http-error.js';
import { paramOf, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { findHostById, idOfHost, UUIDS } from '../engine/hypervisors.js';
import { zoneOf } from '../engine/zones.js';
import { renderService } from '../render-host.js';
import { toTime } from '../times.js';
import { printable } from './fields.js';

/** The version from which they tell whether somebody has declared them dead. */
const FORCED_DOWN = 11;
const BINARY = 'nova-compute';

const reasonField = printable.trim().min(1).max(255);
const named = { host: z.string().min(1).max(255), binary: z.string().min(1).max(255) };
const statusField = z.enum(['enabled', 'disabled']);
const actionBody = z.strictObject({
  ...named,
  disabled_reason: reasonField.optional(),
  forced_down: z.unknown().optional(),
});
const updateBody = z.strictObject({
  status: statusField.optional(),
  disabled_reason: reasonField.optional(),
  forced_down: z.unknown().optional(),
});

interface UpdateBody {
  readonly host?: string | undefined;
  readonly binary?: string | undefined;
  readonly status?: z.output<typeof statusField> | undefined;
  readonly disabled_reason?: string | undefined;
  readonly forced_down?: unknown;
}
const bodyIn = (minor: number): z.ZodType<UpdateBody> => (minor >= UUIDS ? updateBody : actionBody);

/** The agents of hosts. One that is disabled is drained. https://docs.openstack.org/api-ref/compute/#compute-services-os-services */
export const createServiceRoutes = ({ store, hosts, servers, now }: Compute): readonly Route[] => {
  const render = (host: HostView, minor: number): Record<string, unknown> => {
    const { binary, status, state, disabledReason } = renderService(host);
    return {
      id: idOfHost(host, minor),
      binary,
      host: host.name,
      zone: zoneOf(store.view(), host.name),
      status,
      state,
      // An agent that is there keeps a lease: it was well a moment ago.
      updated_at: state === 'up' ? toTime(now()) : null,
      disabled_reason: disabledReason,
      ...(minor >= FORCED_DOWN && { forced_down: false }),
    };
  };
  /** Repeatable. */
  const setStatus = async (
    { host }: Pick<HostView, 'host'>,
    { status, reason }: { readonly status: 'enabled' | 'disabled'; readonly reason: string | undefined },
  ): Promise<void> => {
    const services = servers.servicesFor({ project: DEFAULT_PROJECT, user: 'eapi' });
    try {
      if (status === 'enabled') await undrain(services, host);
      else await drain(services, host, { reason });
    } catch (err) {
      if (!isSo(err, status)) throw err;
    }
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/os-services',
      rule: 'compute:services:list',
      handle: async ({ query, minor }) => {
        const binary = query.get('binary') ?? BINARY;
        const name = query.get('host');
        const found = (await hosts()).filter((host) => binary === BINARY && (name === null || host.name === name));
        return { status: 200, body: { services: found.map((host) => render(host, minor)) } };
      },
    }),
    computeRoute({
      method: 'PUT',
      path: '/os-services/:id',
      rule: 'compute:services:update',
      body: bodyIn,
      handle: async (request) => {
        const { minor, body } = request;
        const id = paramOf(request, 'id');
        if (body.forced_down !== undefined || id === 'force-down')
          throw new HttpError(501, 'Nobody declares a host dead here: the lease of its agent tells whether it is.');
        if (minor >= UUIDS) {
          const all = (await hosts()).map((host) => ({ host }));
          const { host } = findHostById(all, { id, minor });
          const { status, disabled_reason: reason } = body;
          if (status === undefined)
            throw badRequest('No updates were requested. Fields status or forced_down should be specified.');
          if (status === 'enabled' && reason !== undefined)
            throw badRequest("Specifying 'disabled_reason' when status is 'enabled' is invalid.");
          await setStatus(host, { status, reason });
          const after = (await hosts()).find((other) => other.host === host.host) ?? host;
          return { status: 200, body: { service: render(after, minor) } };
        }
        const { status, reason } = readAction(id, body);
        const host = (await hosts()).find(({ name }) => name === body.host);
        if (!host || body.binary !== BINARY)
          throw notFound(`Could not find binary ${body.binary} on host ${body.host}.`);
        await setStatus(host, { status, reason });
        const service = { host: body.host, binary: body.binary, status };
        return {
          status: 200,
          body: { service: { ...service, ...(reason !== undefined && { disabled_reason: reason }) } },
        };
      },
    }),
  ];
};

/** Before version 2.53, the path says what is to be done. @throws HttpError 400, 404. */
const readAction = (
  action: string,
  { disabled_reason: reason }: UpdateBody,
): { readonly status: 'enabled' | 'disabled'; readonly reason: string | undefined } => {
  if (action === 'enable') return { status: 'enabled', reason: undefined };
  if (action === 'disable') return { status: 'disabled', reason: undefined };
  if (action !== 'disable-log-reason') throw notFound('Unknown action');
  if (reason === undefined) throw badRequest('Missing disabled reason field');
  return { status: 'disabled', reason };
};

/** It is as it is wanted already. */
const isSo = (err: unknown, status: 'enabled' | 'disabled'): boolean =>
  err instanceof EcomputeError &&
  err.code === (status === 'enabled' ? 'ECOMPUTE_HOST_NOT_DRAINING' : 'ECOMPUTE_HOST_DRAINING');

import type { BootOptions } from '@etcd-compute/cloud/boot/boot';
import { listPresences } from '@etcd-compute/cloud/hosts/presences';
import type { Caller } from '../../../http/caller.js';
import { badRequest, HttpError } from '../../../http/http-error.js';
import { isAdmin } from '../../engine/find-flavor.js';
import type { Servers } from '../servers.js';

/** Why hosts outside of a zone do not do. @param zone `ZONE` or, of admins, `ZONE:HOST`. @throws HttpError when there is no such zone. */
export const refusesOutside = async (
  servers: Servers,
  { zone: asked, caller }: { zone: string | null; caller: Caller },
): Promise<BootOptions['refuses']> => {
  if (asked === null) return undefined;
  const [zone = '', host = '', node = ''] = asked.split(':');
  const wanted = host === '' ? node : host;
  if (wanted !== '' && !isAdmin(caller))
    throw new HttpError(403, "Policy doesn't allow compute:servers:create:forced_host to be performed.");
  if (zone !== '' && !servers.zones.has(zone)) throw badRequest('The requested availability zone is not available');
  const presences = await listPresences(servers.servicesFor({ project: 'default', user: 'default' }));
  return (uuid) => {
    const hostname = presences.get(uuid)?.hostname;
    if (hostname === undefined) return 'is not there any more';
    if (wanted !== '' && hostname !== wanted) return `is not the host ${wanted}`;
    return zone === '' || servers.zones.of(hostname) === zone ? undefined : `is not in the zone ${zone}`;
  };
};

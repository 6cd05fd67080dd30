import { randomBytes, randomUUID } from 'node:crypto';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import type { Caller } from '../../../http/caller.js';
import { badRequest, HttpError } from '../../../http/http-error.js';
import { groupIdOf } from '../../../network/engine/ids.js';
import { networkNames } from '../../../network/engine/network-names.js';
import type { CreateBody } from '../routes/create-body.js';
import type { BootImage, ServerGroup, Servers } from '../servers.js';
import type { OwnFlavor, Server } from '../state/server-record.js';
import { deleteServer } from './delete-server.js';
import { newPassword } from './new-password.js';
import { flavorOfRequest } from './flavor-of-request.js';
import { hostnameOf } from './hostname.js';
import { checkQuota } from './quota.js';
import { changeUsage, NOTHING, readUsage } from './usage.js';
import { placeServer, type NewServer } from './place-server.js';
import { refusesOutside } from './zone-hosts.js';

export interface CreateRequest {
  readonly body: CreateBody;
  readonly caller: Caller;
  readonly project: string;
  readonly requestId: string;
}

export interface Created {
  readonly servers: readonly Server[];
  readonly adminPass: string;
}

interface Checked {
  readonly flavor: OwnFlavor;
  readonly image: BootImage;
  readonly networks: readonly string[] | undefined;
  readonly group: ServerGroup | undefined;
  readonly guest: GuestMembers;
  readonly adminPass: string;
  readonly zone: string | null;
}

/**
 * Makes as many servers as are wanted, or as the project may have, and at least as many as must be.
 *
 * @throws HttpError when there would be less than that; then there is none.
 */
export const createServers = async (servers: Servers, request: CreateRequest): Promise<Created> => {
  const { body, caller, project, requestId } = request;
  const checked = await check(servers, request);
  const { min_count: min = 1, max_count: max = min } = body.server;
  if (min > max) throw badRequest('min_count must be <= max_count');
  const refuses = await refusesOutside(servers, { zone: checked.zone, caller });
  const reservation = `r-${randomBytes(6)
    .toString('base64url')
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '0')}`;
  // Placing would find it out as well, and later.
  const used = await readUsage(servers.store, project);
  const most = { instances: min, cores: min * checked.flavor.vcpus, ram: min * checked.flavor.ram_mib };
  checkQuota(used, changeUsage(used, NOTHING, most), servers.limitsOf(project));
  const made: Server[] = [];
  for (let index = 0; index < max; index += 1) {
    const server = newServer(request, checked, { index, isOneOfMany: max > 1, reservation });
    const { image, networks, group } = checked;
    const guest = { ...checked.guest, hostname: server.hostname };
    const wanted: NewServer = { server, image, networks, guest, group, refuses };
    try {
      made.push(await servers.inTurn(project, async () => placeServer(servers, wanted)));
    } catch (err) {
      if (err instanceof HttpError && err.status === 403 && made.length >= min) break;
      for (const one of made) await deleteServer(servers, one, { caller, requestId });
      throw err;
    }
  }
  await servers.store.look();
  return { servers: made, adminPass: checked.adminPass };
};

const check = async (servers: Servers, { body, caller, project }: CreateRequest): Promise<Checked> => {
  const { server } = body;
  refuseVolumes(server);
  for (const { name } of server.security_groups ?? [])
    if (name !== 'default' && name !== groupIdOf(project))
      throw badRequest(`Security group ${name} not found: there is the group default alone.`);
  const flavor = flavorOfRequest(servers, server.flavorRef, caller);
  const image = await servers.imageOf(server.imageRef ?? '', caller);
  checkFits(flavor, image);
  const adminPass = server.adminPass ?? newPassword();
  return {
    flavor,
    image,
    networks: networksOf(servers, server.networks),
    group: groupOf(servers, { body, project }),
    guest: { ...guestOf(servers, server, caller), ...(adminPass !== '' && { admin_pass: adminPass }) },
    adminPass,
    zone: server.availability_zone ?? null,
  };
};

const refuseVolumes = ({
  imageRef,
  block_device_mapping: old = [],
  block_device_mapping_v2: all = [],
}: CreateBody['server']): void => {
  if (old.length > 0) throw new HttpError(501, 'There are no volumes here: servers boot from images.');
  const [root, ...more] = all;
  if (root) {
    const isRoot =
      root.source_type === 'image' && (root.destination_type ?? 'local') === 'local' && Number(root.boot_index) === 0;
    if (!isRoot || more.length > 0)
      throw new HttpError(501, 'There are no volumes here: servers boot from images, and have one disk.');
    if (root.uuid !== imageRef) throw badRequest('The boot device is another image than imageRef.');
  }
  if (imageRef === undefined || imageRef === '') throw badRequest('Invalid imageRef provided.');
};

export const checkFits = (flavor: OwnFlavor, { minDiskGiB, minRamMiB, virtualSizeBytes }: BootImage): void => {
  if (flavor.ram_mib < minRamMiB) throw badRequest("Flavor's memory is too small for requested image.");
  const bytes = flavor.disk_gib * 2 ** 30;
  if (flavor.disk_gib > 0 && (flavor.disk_gib < minDiskGiB || bytes < virtualSizeBytes))
    throw badRequest(
      `Flavor's disk is too small for requested image. Flavor disk is ${bytes} bytes, image is ${Math.max(virtualSizeBytes, minDiskGiB * 2 ** 30)} bytes.`,
    );
};

const networksOf = (servers: Servers, wanted: CreateBody['server']['networks']): readonly string[] | undefined => {
  if (wanted === 'none') throw badRequest('A server without networks is not possible here.');
  if (wanted === undefined || wanted === 'auto' || wanted.length === 0) return undefined;
  return networkNames(
    servers.networkView(),
    wanted.map(({ port, ...rest }) => ({ ...rest, ...(typeof port === 'string' && { port }) })),
  );
};

const groupOf = (
  servers: Servers,
  { body, project }: { body: CreateBody; project: string },
): ServerGroup | undefined => {
  const hint = (body['os:scheduler_hints'] ?? body['OS-SCH-HNT:scheduler_hints'])?.group;
  const [id] = [hint ?? []].flat();
  if (id === undefined) return undefined;
  const group = servers.groupOf(id, project);
  if (!group) throw badRequest(`Instance group ${id} could not be found.`);
  return group;
};

const guestOf = (
  servers: Servers,
  { key_name, user_data, metadata }: CreateBody['server'],
  { userId }: Caller,
): GuestMembers => {
  const key = key_name === undefined ? undefined : servers.keyOf(userId, key_name);
  if (key_name !== undefined && key === undefined) throw badRequest('Invalid key_name provided.');
  return {
    ...(key !== undefined && { ssh_keys: [key] }),
    ...(user_data !== undefined && userDataOf(user_data)),
    ...(metadata && { meta: metadata }),
  };
};

/** As text where it is text, which operators can read; what is compressed is not. */
const userDataOf = (base64: string): GuestMembers => {
  const bytes = Buffer.from(base64, 'base64');
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? { user_data: text } : { user_data_base64: bytes.toString('base64') };
};

const newServer = (
  { body: { server }, caller, project, requestId }: CreateRequest,
  { flavor, zone, group }: Checked,
  { index, isOneOfMany, reservation }: { index: number; isOneOfMany: boolean; reservation: string },
): Server => {
  const now = new Date().toISOString();
  const id = randomUUID();
  const name = isOneOfMany ? `${server.name}-${index + 1}` : server.name;
  return {
    version: 1,
    id,
    project,
    user: caller.userId,
    name,
    description: server.description ?? null,
    hostname: hostnameOf(name, id),
    created_at: now,
    updated_at: now,
    launched_at: null,
    deleting_at: null,
    deleted_at: null,
    is_placed: true,
    flavor,
    resize: null,
    image: server.imageRef ?? '',
    key_name: server.key_name ?? null,
    user_data: server.user_data ?? null,
    metadata: server.metadata ?? {},
    tags: server.tags ?? [],
    availability_zone: zone?.split(':')[0] ?? null,
    group: group?.id ?? null,
    has_config_drive: server.config_drive ?? false,
    disk_config: server['OS-DCF:diskConfig'] ?? 'AUTO',
    access_ipv4: server.accessIPv4 ?? '',
    access_ipv6: server.accessIPv6 ?? '',
    reservation_id: reservation,
    launch_index: index,
    locked: null,
    fault: null,
    actions: [
      {
        request_id: requestId,
        action: 'create',
        user: caller.userId,
        project,
        started_at: now,
        task_state: null,
        count: null,
        finished_at: null,
        result: null,
        message: null,
      },
    ],
  };
};

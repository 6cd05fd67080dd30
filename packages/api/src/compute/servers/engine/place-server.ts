import { cloudOf } from '@etcd-compute/cloud';
import type { BootOptions } from '@etcd-compute/cloud/boot/boot';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { GuestMembers } from '@etcd-compute/common/etcd/messages/guest-config';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import type { BootImage, ServerGroup, Servers } from '../servers.js';
import type { Server } from '../state/server-record.js';
import { planUsage, putChanges, usageKeys } from './change-server.js';
import { isSoft, planWithGroup, refusesOfGroup } from './group-policy.js';
import { finish } from './settle.js';
import { asked } from './to-http.js';
import { NOTHING, usageOf } from './usage.js';
import { wantOf } from './want-of.js';

/** A server that is to be, and what its instance is made of. */
export interface NewServer {
  readonly server: Server;
  readonly image: BootImage;
  readonly networks: readonly string[] | undefined;
  readonly guest: GuestMembers;
  readonly group: ServerGroup | undefined;
  /** Hosts that do not do, and why. */
  readonly refuses: BootOptions['refuses'];
}

/** Nova's words, which clients look for. */
const NO_VALID_HOST = 'No valid host was found. There are not enough hosts available.';

/**
 * Places a server: its room, its instance, its record and what its project uses are written in one txn. Where no host takes it, it is a server
 * in error that says so, and counts as well.
 *
 * @throws HttpError 403 when the project may not have one more; then there is none.
 */
export const placeServer = async (servers: Servers, wanted: NewServer): Promise<Server> => {
  const { server, group } = wanted;
  const isPlaced = (await tryToPlace(servers, wanted, { isStrict: true })) ?? false;
  if (isPlaced) return server;
  if (group && isSoft(group) && (await tryToPlace(servers, wanted, { isStrict: false }))) return server;
  return writeFailed(servers, server);
};

/** @returns undefined when no host takes it. */
const tryToPlace = async (
  servers: Servers,
  { server, image, networks, guest, group, refuses }: NewServer,
  { isStrict }: { isStrict: boolean },
): Promise<true | undefined> => {
  const { id, project, user, flavor } = server;
  const refusesOthers = group && isStrict ? await refusesOfGroup(servers, { group, id }) : undefined;
  const isBound = group !== undefined || refuses !== undefined;
  const { booted, errors } = await asked(
    cloudOf(servers.servicesFor({ project, user })).boot({
      instance: instanceUuidSchema.parse(id),
      want: wantOf(flavor, image),
      image: image.image,
      ...(image.source && { imageSource: image.source }),
      addDisks: flavor.ephemeral_gib > 0 ? [flavor.ephemeral_gib] : [],
      networks,
      guest,
      // Whoever else moves it on to another host does not know what binds it.
      retries: isBound ? 0 : 2,
      refuses: (host) => refuses?.(host) ?? refusesOthers?.(host),
      along: planWithGroup(servers, { id, group }, async () => planNew(servers, server)),
    }),
  );
  if (booted.length > 0) return true;
  const [error] = errors;
  if (error instanceof EcomputeError && error.code === 'ECOMPUTE_NO_CANDIDATES') {
    servers.log.info({ instanceUuid: id, err: error }, 'no host takes the server');
    return undefined;
  }
  throw error ?? new Error(`nothing became of server ${id}`);
};

const planNew = async (servers: Servers, server: Server) => {
  const { keys, etcd } = servers.store;
  const { id, project } = server;
  const { entries: counts } = await etcd.getMany(usageKeys(servers, project));
  const counted = planUsage(servers, { project, counts, from: NOTHING, to: usageOf(server) });
  const key = keys.server(project, id);
  return {
    guards: [{ key, modRevision: '0' }, ...counted.guards],
    writes: [{ op: 'put', key, value: JSON.stringify(server) } as const, putChanges(servers), ...counted.writes],
  };
};

const ATTEMPTS = 20;

const writeFailed = async (servers: Servers, { actions, ...rest }: Server): Promise<Server> => {
  const created_at = new Date().toISOString();
  const [create] = actions;
  const server = { ...rest, actions, is_placed: false, fault: { code: 500, message: NO_VALID_HOST, created_at } };
  const failed = create ? finish(server, create, { at: created_at, fault: NO_VALID_HOST }) : server;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { guards, writes } = await planNew(servers, failed);
    if ((await servers.store.etcd.txn(guards, writes)).isCommitted) return failed;
  }
  throw new EcomputeError('ECOMPUTE_INSTANCE_CHANGED', `could not write server ${rest.id}: others were faster`, {
    retryable: true,
  });
};

import { cloudOf } from '@etcd-compute/cloud';
import type { Changed } from '@etcd-compute/cloud/wishes/ask';
import type { WishArgs, WishName } from '@etcd-compute/common/wishes/kinds';
import { isAdmin } from '../../engine/find-flavor.js';
import { conflict } from '../../../http/http-error.js';
import type { Servers } from '../servers.js';
import { withAction, type Server } from '../state/server-record.js';
import { changeServer, planChange, type Plan } from './change-server.js';
import { newAction, type Asker } from './delete-server.js';
import type { Seen } from './list-servers.js';
import { finish } from './settle.js';
import type { VmState } from './status.js';
import { asked } from './to-http.js';

/** Who asks for something of which server. */
export interface Target extends Asker {
  readonly item: Seen;
}

interface StateCheck {
  /** In Nova's words. */
  readonly action: string;
  /** What the server may be; undefined: anything. */
  readonly from?: readonly VmState[] | undefined;
  /** Also while something else is being done. */
  readonly ignoresTask?: boolean | undefined;
  /** Also while it is locked. */
  readonly ignoresLock?: boolean | undefined;
}

/** @throws HttpError 409 when a server is locked, or cannot do what is asked as it is now. */
export const checkState = (
  { item: { server, status }, caller }: Pick<Target, 'item' | 'caller'>,
  { action, from, ignoresTask = false, ignoresLock = false }: StateCheck,
): void => {
  if (!ignoresLock) checkLock({ item: { server }, caller });
  const refuse = (attribute: string, value: string): Error =>
    conflict(`Cannot '${action}' instance ${server.id} while it is in ${attribute} ${value}`);
  if (from && !from.includes(status.vmState)) throw refuse('vm_state', status.vmState);
  if (status.taskState !== null && (!ignoresTask || status.taskState === 'deleting'))
    throw refuse('task_state', status.taskState);
};

/** Admins pass. @throws HttpError 409. */
export const checkLock = ({
  item: { server },
  caller,
}: {
  readonly item: Pick<Seen, 'server'>;
  readonly caller: Target['caller'];
}): void => {
  if (server.locked && !isAdmin(caller)) throw conflict(`Instance ${server.id} is locked`);
};

interface Ask<Name extends WishName> extends StateCheck {
  /** What it does meanwhile, in Nova's words. */
  readonly task: string | null;
  readonly wish: Name;
  readonly args?: WishArgs<Name>;
  /** What else changes at once. */
  readonly change?: Plan;
  /** How long to wait until it is done; undefined: not at all. */
  readonly waitMs?: number;
}

/**
 * Asks a server's instance for something; that it was asked, stands in the server's record from the same txn on.
 *
 * @returns what went wrong while it was waited for.
 */
export const askServer = async <Name extends WishName>(
  servers: Servers,
  target: Target,
  ask: Ask<Name>,
): Promise<Pick<Changed, 'errors'>> => {
  const { item, ...asker } = target;
  const { server } = item;
  const { action, task, wish, args, waitMs, change = (now: Server) => now } = ask;
  checkState(target, ask);
  let hasAsked = false;
  const { errors } = await asked(
    cloudOf(servers.servicesFor(server)).ask(wish, [server.id], {
      waitMs,
      ...(args !== undefined && { args }),
      along: async (_entry, wishCount) => {
        hasAsked = true;
        const count = wishCount ?? null;
        return planChange(servers, server, (now) => withAction(change(now), newAction(asker, { action, task, count })));
      },
    }),
  );
  // There was nothing to do.
  if (!hasAsked)
    await changeServer(servers, server, (now) => {
      const done = newAction(asker, { action, task });
      return finish(withAction(change(now), done), done, { at: done.started_at, fault: null });
    });
  await servers.store.look();
  return { errors };
};

/** Notes something that is done with being asked for. */
export const noteDone = async (
  servers: Servers,
  { item: { server }, ...asker }: Target,
  { action, change }: { action: string; change: Plan },
): Promise<Server> =>
  changeServer(servers, server, (now) => {
    const done = newAction(asker, { action, task: null });
    return finish(withAction(change(now), done), done, { at: done.started_at, fault: null });
  });

/** What the guest is told goes with what the record says. @throws HttpError 409 when it cannot be told. */
export const setMetadata = async (
  servers: Servers,
  { item: { server } }: Pick<Target, 'item'>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> => {
  const plan: Plan = (now) => ({ ...now, metadata: { ...metadata }, updated_at: new Date().toISOString() });
  const names = [...new Set([...Object.keys(server.metadata), ...Object.keys(metadata)])];
  const changes = names.filter((name) => server.metadata[name] !== metadata[name]);
  if (changes.length === 0) return;
  if (!server.is_placed) {
    await changeServer(servers, server, plan);
    return;
  }
  const meta = Object.fromEntries(changes.map((name) => [name, metadata[name] ?? null]));
  await asked(
    cloudOf(servers.servicesFor(server)).ask('set', [server.id], {
      args: { meta },
      along: async () => planChange(servers, server, plan),
    }),
  );
  await servers.store.look();
};

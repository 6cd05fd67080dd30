import { moveOn } from '@etcd-compute/cloud/boot/move-on';
import { ReconcileLoop } from '@etcd-compute/common/async/reconcile-loop';
import { HttpError } from '../../../http/http-error.js';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import type { Servers } from '../servers.js';
import type { Report } from '../state/report.js';
import type { Server } from '../state/server-record.js';
import { changeServer } from './change-server.js';
import { bury } from './delete-server.js';
import { finish, isBuilt, isOpen, settle } from './settle.js';
import { forgetCopiesOf } from './unshelve-server.js';

/*
 * What goes on with servers after a request was answered: what became of actions is written down, what a host could not build goes to another
 * one, and what is destroyed is ended. Each eapi does it for all servers; what two do at the same time, one of them does.
 */

export interface ServerReconciler extends AsyncDisposable {
  /** A server may look different now. */
  readonly wake: (id: string) => void;
}

const GATHER_MS = 20;
const PERIOD_MS = 15_000;
const AGAIN_MS = 2_000;
const NO_HOST_MS = 10_000;

export const startReconciler = (getServers: () => Servers | undefined): ServerReconciler => {
  const ending = new AbortController();
  const { signal } = ending;
  const loop = new ReconcileLoop<string>({
    activate: async (id) => {
      const servers = getServers();
      return servers && reconcile(servers, id);
    },
    onError: (instanceUuid, err, { isRepeat }) => {
      if (!isRepeat) getServers()?.log.warn({ instanceUuid, err }, 'a server is not as it should be yet');
    },
    backoffMs: { minMs: 200, maxMs: 30_000 },
    signal,
  });
  let woken = new Set<string>();
  const flush = (): void => {
    const servers = getServers();
    const ids = woken;
    woken = new Set();
    for (const id of ids) if (servers && hasWork(servers, id)) loop.wake(id);
  };
  let timer: NodeJS.Timeout | undefined;
  const wake = (id: string): void => {
    woken.add(id);
    timer ??= setTimeout(() => {
      timer = undefined;
      flush();
    }, GATHER_MS);
  };
  const period = setInterval(() => {
    for (const { id } of getServers()?.store.all() ?? []) wake(id);
  }, PERIOD_MS);
  return {
    wake,
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      clearTimeout(timer);
      clearInterval(period);
      loop.close();
      await loop.idle();
    },
  };
};

const hasWork = ({ store }: Servers, id: string): boolean => {
  const server = store.get(id);
  if (!server || server.deleted_at !== null) return false;
  const report = store.report(id);
  if (!server.is_placed) return server.deleting_at !== null;
  return (
    !report ||
    report.state === 'deleted' ||
    report.canMoveOn ||
    isBackFromCopies(server, report) ||
    settle(server, report) !== server
  );
};

/** It was shelved, and is built again. */
const isBackFromCopies = ({ copies }: Server, report: Report): boolean => copies !== undefined && isBuilt(report);

const reconcile = async (servers: Servers, id: string): Promise<{ againAfterMs?: number } | void> => {
  const { store } = servers;
  const server = store.get(id);
  if (!server || !hasWork(servers, id)) return undefined;
  const report = store.report(id);
  if (!report || report.state === 'deleted')
    return (await buried(servers, server)) ? undefined : { againAfterMs: AGAIN_MS };
  if (report.canMoveOn && server.deleting_at === null) return moveServerOn(servers, server);
  await ignoringGone(changeServer(servers, server, (now) => now));
  if (isBackFromCopies(server, report) && !(await ignoringGone(forgetCopiesOf(servers, server))))
    return { againAfterMs: NO_HOST_MS };
  return undefined;
};

const buried = async (servers: Servers, server: Server): Promise<boolean> =>
  (await ignoringGone(bury(servers, server))) ?? true;

/** Somebody else has ended it. */
const ignoringGone = async <T>(task: Promise<T>): Promise<T | undefined> => {
  try {
    return await task;
  } catch (err) {
    if (err instanceof HttpError && err.status === 404) return undefined;
    throw err;
  }
};

const moveServerOn = async (servers: Servers, server: Server): Promise<{ againAfterMs?: number } | void> => {
  const { id, project, user } = server;
  const { outcome } = await moveOn(servers.servicesFor({ project, user }), { instance: instanceUuidSchema.parse(id) });
  if (outcome !== 'no-host') return undefined;
  // It is an error from now on, unless a host has room later.
  const at = new Date().toISOString();
  const message = 'No valid host was found. Exhausted all hosts available for retrying build failures.';
  const fault = { code: 500, message, created_at: at };
  await ignoringGone(
    changeServer(servers, server, (now) => (now.fault ? now : closeOpen({ ...now, fault }, { at, fault: message }))),
  );
  return { againAfterMs: NO_HOST_MS };
};

const closeOpen = (server: Server, end: { at: string; fault: string }): Server =>
  server.actions.filter(isOpen).reduce((after, action) => finish(after, action, end), server);

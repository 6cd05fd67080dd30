import { EcomputeError } from '@etcd-compute/common/errors';
import { HttpError } from '../../../http/http-error.js';
import { askServer, checkState } from '../engine/ask-server.js';
import { changeServer, type Plan } from '../engine/change-server.js';
import { newAction } from '../engine/delete-server.js';
import { finish } from '../engine/settle.js';
import { unshelveServer } from '../engine/unshelve-server.js';
import { withAction, type Server } from '../state/server-record.js';
import { ACCEPTED, serverAction, type ServerAction } from './action.js';
import { nothing } from './power.js';

/** What is shelved takes nothing of a host but copies of its disks. */
export const SHELVE_ACTIONS: Readonly<Record<string, ServerAction>> = {
  shelve: serverAction({
    args: nothing,
    run: async ({ servers, target }) => {
      await askServer(servers, target, {
        action: 'shelve',
        wish: 'shelve',
        // A paused guest hears no power button.
        args: { hard: target.item.status.vmState === 'paused' },
        task: 'shelving',
        from: ['active', 'stopped', 'paused'],
      });
      return ACCEPTED;
    },
  }),
  shelveOffload: serverAction({
    args: nothing,
    isForAdmins: true,
    run: async ({ target }) => {
      // What is shelved here is offloaded.
      checkState(target, { action: 'shelveOffload', from: [] });
      return ACCEPTED;
    },
  }),
  unshelve: serverAction({
    args: nothing,
    run: async ({ servers, target: { item, ...asker } }) => {
      checkState({ item, ...asker }, { action: 'unshelve', from: ['shelved_offloaded'] });
      const { server } = item;
      const action = newAction(asker, { action: 'unshelve', task: 'spawning' });
      let isNoted = false;
      // That it comes back stands in its record from the same txn on: so nothing is under way that nobody does.
      const note: Plan = (now) => {
        isNoted = true;
        return withAction(now, action);
      };
      const failure = await unshelveServer(servers, server, { caller: asker.caller, note });
      if (!failure && isNoted) {
        await servers.store.look();
        return ACCEPTED;
      }
      const end = { at: new Date().toISOString(), fault: failure?.message ?? null };
      const isUnderWay = ({ actions }: Server): boolean =>
        actions.some((one) => one.request_id === action.request_id && one.action === action.action);
      // It may have been written, and the reply was lost.
      await changeServer(servers, server, (now) =>
        isUnderWay(now) ? now : finish(withAction(now, action), action, end),
      );
      if (!failure) return ACCEPTED;
      const isForLater = failure instanceof EcomputeError && failure.retryable;
      throw failure instanceof HttpError || isForLater
        ? failure
        : new HttpError(409, failure.message, { cause: failure });
    },
  }),
};

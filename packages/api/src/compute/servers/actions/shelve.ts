import { HttpError } from '../../../http/http-error.js';
import { askServer, checkState } from '../engine/ask-server.js';
import { changeServer } from '../engine/change-server.js';
import { newAction } from '../engine/delete-server.js';
import { finish } from '../engine/settle.js';
import { unshelveServer } from '../engine/unshelve-server.js';
import { withAction } from '../state/server-record.js';
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
      await changeServer(servers, server, (now) => withAction(now, action));
      const failure = await unshelveServer(servers, server, asker.caller);
      if (!failure) return ACCEPTED;
      await changeServer(servers, server, (now) => {
        const own = now.actions.find(({ request_id }) => request_id === action.request_id);
        return own ? finish(now, own, { at: new Date().toISOString(), fault: failure.message }) : now;
      });
      throw failure instanceof HttpError ? failure : new HttpError(409, failure.message, { cause: failure });
    },
  }),
};

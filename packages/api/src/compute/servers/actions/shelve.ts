import { cloudOf } from '@etcd-compute/cloud';
import { z } from 'zod';
import { HttpError } from '../../../http/http-error.js';
import { askServer, checkState } from '../engine/ask-server.js';
import { changeServer } from '../engine/change-server.js';
import { newAction } from '../engine/delete-server.js';
import { finish } from '../engine/settle.js';
import { asked } from '../engine/to-http.js';
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
        task: 'shelving',
        from: ['active', 'stopped'],
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
    args: () => z.union([nothing(), z.strictObject({ availability_zone: z.string() })]),
    run: async ({ servers, target: { item, ...asker }, args }) => {
      checkState({ item, ...asker }, { action: 'unshelve', from: ['shelved_offloaded'] });
      if (args && 'availability_zone' in args)
        throw new HttpError(501, 'A server is unshelved wherever there is room.');
      const { server } = item;
      if (server.group !== null)
        throw new HttpError(
          501,
          'A server of a group cannot be unshelved: the host that it came to might not suit the group.',
        );
      const action = newAction(asker, { action: 'unshelve', task: 'spawning' });
      await changeServer(servers, server, (now) => withAction(now, action));
      const failure = await unshelved(asked(cloudOf(servers.servicesFor(server)).unshelve([server.id])));
      if (!failure) return ACCEPTED;
      await changeServer(servers, server, (now) => {
        const own = now.actions.find(({ request_id }) => request_id === action.request_id);
        return own ? finish(now, own, { at: new Date().toISOString(), fault: failure.message }) : now;
      });
      throw failure instanceof HttpError ? failure : new HttpError(409, failure.message, { cause: failure });
    },
  }),
};

const unshelved = async (task: Promise<{ readonly errors: readonly Error[] }>): Promise<Error | undefined> => {
  try {
    return (await task).errors[0];
  } catch (err) {
    if (err instanceof HttpError) return err;
    throw err;
  }
};

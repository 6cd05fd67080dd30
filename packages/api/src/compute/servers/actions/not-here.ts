import { z } from 'zod';
import { HttpError } from '../../../http/http-error.js';
import { serverAction, type ServerAction } from './action.js';

/** What Nova has and this cloud has not: each says why. */
const notHere = (sentence: string, options: Pick<ServerAction, 'isForAdmins' | 'until'> = {}): ServerAction =>
  serverAction({
    ...options,
    args: () => z.unknown(),
    run: async () => {
      throw new HttpError(501, sentence);
    },
  });

const ADDRESSES = 'The host of a server chooses its addresses: none can be added or removed.';
const ADMINS = { isForAdmins: true } as const;

export const REFUSED_ACTIONS: Readonly<Record<string, ServerAction>> = {
  addFixedIp: notHere(ADDRESSES, { until: 43 }),
  removeFixedIp: notHere(ADDRESSES, { until: 43 }),
  addFloatingIp: notHere('There are no floating IPs here.', { until: 43 }),
  removeFloatingIp: notHere('There are no floating IPs here.', { until: 43 }),
  addSecurityGroup: notHere('Servers are in the security group default, and there is no other.'),
  removeSecurityGroup: notHere('Servers are in the security group default, and stay there.'),
  changePassword: notHere('The password of a server can be set when it is created or rebuilt, not later.'),
  createBackup: notHere('There are no backups here: create an image.'),
  rescue: notHere('There is no rescue mode here.'),
  unrescue: notHere('There is no rescue mode here.'),
  forceDelete: notHere('Servers are deleted at once: delete it.'),
  restore: notHere('What is deleted cannot be restored.'),
  evacuate: notHere('Servers cannot be evacuated: their disks are on the host that is down.', ADMINS),
  migrate: notHere('A server is moved by `eschedule host drain --wait` of its host, when it is stopped.', ADMINS),
  'os-migrateLive': notHere('There is no live migration here.', ADMINS),
  'os-resetState': notHere('What a server is, its host says: the state cannot be set.', ADMINS),
  resetNetwork: notHere('There is no agent in guests that would do it.', ADMINS),
  injectNetworkInfo: notHere('There is no agent in guests that would do it.', ADMINS),
  trigger_crash_dump: notHere('There are no crash dumps here.'),
};

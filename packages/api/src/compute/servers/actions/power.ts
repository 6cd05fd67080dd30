import { z } from 'zod';
import { askServer } from '../engine/ask-server.js';
import type { VmState } from '../engine/status.js';
import { ACCEPTED, serverAction, type ServerAction } from './action.js';

/** Clients send null, or an empty object. */
export const nothing = () => z.union([z.null(), z.strictObject({})]);

interface Simple {
  readonly action: string;
  readonly wish: 'start' | 'stop' | 'pause' | 'suspend' | 'resume';
  readonly task: string;
  readonly from: readonly VmState[];
}

const simple = (ask: Simple): ServerAction =>
  serverAction({
    args: nothing,
    run: async ({ servers, target }) => {
      await askServer(servers, target, ask);
      return ACCEPTED;
    },
  });

const reboot = serverAction({
  args: () =>
    z.strictObject({
      type: z
        .string()
        .toUpperCase()
        .pipe(z.enum(['HARD', 'SOFT'])),
    }),
  run: async ({ servers, target, args: { type } }) => {
    const hard = type === 'HARD';
    await askServer(servers, target, {
      action: 'reboot',
      wish: 'reboot',
      args: { hard },
      task: hard ? 'rebooting_hard' : 'rebooting',
      from: hard ? ['active', 'stopped', 'paused', 'suspended'] : ['active'],
    });
    return ACCEPTED;
  },
});

/** https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action */
export const POWER_ACTIONS: Readonly<Record<string, ServerAction>> = {
  'os-start': simple({ action: 'start', wish: 'start', task: 'powering-on', from: ['stopped'] }),
  'os-stop': simple({ action: 'stop', wish: 'stop', task: 'powering-off', from: ['active'] }),
  pause: simple({ action: 'pause', wish: 'pause', task: 'pausing', from: ['active'] }),
  unpause: simple({ action: 'unpause', wish: 'resume', task: 'unpausing', from: ['paused'] }),
  suspend: simple({ action: 'suspend', wish: 'suspend', task: 'suspending', from: ['active'] }),
  resume: simple({ action: 'resume', wish: 'resume', task: 'resuming', from: ['suspended'] }),
  reboot,
};

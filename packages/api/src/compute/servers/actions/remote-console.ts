import { z } from 'zod';
import { openSerialConsole, unavailable } from '../engine/serial-console.js';
import { serverAction, type ServerAction } from './action.js';

/** Until version 2.5; later ones have `remote-consoles`. */
const LAST = 5;

const notHere = (...types: readonly [string, ...string[]]): ServerAction =>
  serverAction({
    until: LAST,
    args: () => z.strictObject({ type: z.enum(types) }),
    run: async ({ args: { type } }) => {
      throw unavailable(type);
    },
  });

/** https://docs.openstack.org/api-ref/compute/#get-serial-console-os-getserialconsole-action-deprecated */
export const REMOTE_CONSOLE_ACTIONS: Readonly<Record<string, ServerAction>> = {
  'os-getSerialConsole': serverAction({
    until: LAST,
    args: () => z.strictObject({ type: z.literal('serial') }),
    run: async ({ servers, target, args: { type } }) => ({
      status: 200,
      body: { console: { type, url: await openSerialConsole(servers, target) } },
    }),
  }),
  'os-getVNCConsole': notHere('novnc', 'xvpvnc'),
  'os-getSPICEConsole': notHere('spice-html5'),
  'os-getRDPConsole': notHere('rdp-html5'),
};

import { cloudOf } from '@etcd-compute/cloud';
import { z } from 'zod';
import { readServerConsole } from '../engine/read-console.js';
import { checkState } from '../engine/ask-server.js';
import { serverAction, type ServerAction } from './action.js';

const length = z
  .union([
    z.int(),
    z
      .string()
      .regex(/^-?\d{1,9}$/, 'expected a number')
      .transform(Number),
  ])
  .pipe(z.int().min(-1));

export const CONSOLE_ACTIONS: Readonly<Record<string, ServerAction>> = {
  'os-getConsoleOutput': serverAction({
    args: () => z.union([z.null(), z.strictObject({ length: length.nullish() })]),
    run: async ({ servers, target, args }) => {
      checkState(target, {
        action: 'get_console_output',
        ignoresTask: true,
        ignoresLock: true,
        from: ['active', 'paused', 'stopped', 'suspended', 'resized', 'error'],
      });
      const lines = args?.length ?? -1;
      const output = await readServerConsole(cloudOf(servers.servicesFor(target.item.server)), {
        id: target.item.server.id,
        tail: lines < 0 ? undefined : lines,
      });
      return { status: 200, body: { output } };
    },
  }),
};

import { z } from 'zod';
import { badRequest, conflict } from '../../../http/http-error.js';
import { askServer, checkState, noteDone } from '../engine/ask-server.js';
import { checkFits } from '../engine/create-servers.js';
import { flavorOfRequest } from '../engine/flavor-of-request.js';
import type { OwnFlavor } from '../state/server-record.js';
import { diskConfig } from '../routes/create-body.js';
import { ACCEPTED, serverAction, type ServerAction } from './action.js';
import { nothing } from './power.js';

/** A disk does not shrink: going back keeps a larger one. */
const amountsOf = ({ vcpus, ram_mib, disk_gib }: OwnFlavor, before: OwnFlavor) => ({
  vcpus,
  memory_mib: ram_mib,
  ...(disk_gib > before.disk_gib && { disk_gib }),
  restart: true,
});

/** The server stays on its host, and is started anew there when it ran. */
export const RESIZE_ACTIONS: Readonly<Record<string, ServerAction>> = {
  resize: serverAction({
    args: () =>
      z.strictObject({
        flavorRef: z.union([z.string().min(1), z.int().transform(String)]),
        'OS-DCF:diskConfig': diskConfig.optional(),
      }),
    run: async ({ servers, target, args }) => {
      const { server } = target.item;
      const { caller } = target;
      checkState(target, { action: 'resize', from: ['active', 'stopped'] });
      const flavor = flavorOfRequest(servers, args.flavorRef, caller);
      if (flavor.id === server.flavor.id) throw badRequest('When resizing, instances must change flavor!');
      if (flavor.disk_gib < server.flavor.disk_gib || flavor.ephemeral_gib !== server.flavor.ephemeral_gib)
        throw badRequest(
          'Server disk was unable to be resized because: a disk cannot shrink, and a second one stays as it is.',
        );
      checkFits(flavor, await servers.imageOf(server.image, caller));
      await askServer(servers, target, {
        action: 'resize',
        wish: 'resize',
        args: amountsOf(flavor, server.flavor),
        task: 'resize_prep',
        from: ['active', 'stopped'],
        change: (now) => ({ ...now, resize: { phase: 'resizing', flavor } }),
      });
      return ACCEPTED;
    },
  }),
  confirmResize: serverAction({
    args: nothing,
    run: async ({ servers, target }) => {
      checkState(target, { action: 'confirmResize', from: ['resized'] });
      await noteDone(servers, target, { action: 'confirmResize', change: (now) => ({ ...now, resize: null }) });
      return { status: 204 };
    },
  }),
  revertResize: serverAction({
    args: nothing,
    run: async ({ servers, target }) => {
      const { resize, flavor } = target.item.server;
      checkState(target, { action: 'revertResize', from: ['resized'] });
      if (!resize) throw conflict('Instance has not been resized.');
      await askServer(servers, target, {
        action: 'revertResize',
        wish: 'resize',
        args: amountsOf(resize.flavor, flavor),
        task: 'resize_reverting',
        from: ['resized'],
        change: (now) => ({ ...now, resize: now.resize && { ...now.resize, phase: 'reverting' } }),
      });
      return ACCEPTED;
    },
  }),
};

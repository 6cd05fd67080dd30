import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { VmState } from '../engine/status.js';
import { askServer, checkState } from '../engine/ask-server.js';
import { metadata } from '../routes/create-body.js';
import { serverAction, type ServerAction } from './action.js';

const FROM: readonly VmState[] = ['active', 'paused', 'stopped', 'suspended'];

/** The version from which the answer has a body. */
const BODY = 45;

/** The image is there at once, and active when the host has taken the snapshot. */
export const IMAGE_ACTIONS: Readonly<Record<string, ServerAction>> = {
  createImage: serverAction({
    args: () =>
      z.strictObject({
        name: z
          .string()
          .min(1)
          .max(255)
          .regex(/^\P{Cc}*$/u, 'expected no control characters'),
        metadata: metadata.optional(),
      }),
    run: async ({ servers, target, args, request }) => {
      checkState(target, { action: 'createImage', from: FROM });
      const { id: instance, project, user, flavor, image: base } = target.item.server;
      const id = randomUUID();
      const { snapshotName } = await servers.saveImage({
        id,
        name: args.name,
        owner: project,
        project,
        properties: {
          image_type: 'snapshot',
          base_image_ref: base,
          ...args.metadata,
          instance_uuid: instance,
          user_id: user,
        },
        minDiskGiB: flavor.disk_gib,
        minRamMiB: 0,
      });
      await askServer(servers, target, {
        action: 'createImage',
        wish: 'snapshot',
        args: { name: snapshotName },
        task: 'image_snapshot',
        from: FROM,
      });
      return request.minor >= BODY
        ? { status: 202, body: { image_id: id } }
        : { status: 202, headers: { location: `${servers.url}/images/${id}` } };
    },
  }),
};

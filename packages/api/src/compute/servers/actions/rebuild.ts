import { z } from 'zod';
import { HttpError } from '../../../http/http-error.js';
import { boolean, name } from '../../routes/fields.js';
import { askServer, setMetadata } from '../engine/ask-server.js';
import { newPassword } from '../engine/new-password.js';
import { checkFits } from '../engine/create-servers.js';
import { needServer } from '../engine/find-server.js';
import { renderCommon } from '../render/render-server.js';
import { accessIPv4, accessIPv6, adminPass, description, diskConfig, metadata } from '../routes/create-body.js';
import { renderOptionsOf } from '../routes/server-route.js';
import { serverAction, type ServerAction } from './action.js';

const NOT_THERE = 'there is no such thing in this version of the API';

const argsOf = (minor: number) =>
  z.strictObject({
    imageRef: z.guid('expected a uuid'),
    name: name.optional(),
    adminPass: adminPass.optional(),
    metadata: metadata.optional(),
    preserve_ephemeral: boolean.optional(),
    'OS-DCF:diskConfig': diskConfig.optional(),
    accessIPv4: accessIPv4.optional(),
    accessIPv6: accessIPv6.optional(),
    personality: z.array(z.unknown()).max(0, 'files cannot be put into servers').optional(),
    description: minor >= 19 ? description.optional() : z.never(NOT_THERE).optional(),
    key_name: minor >= 54 ? z.string().nullish() : z.never(NOT_THERE).optional(),
    user_data: minor >= 57 ? z.string().nullish() : z.never(NOT_THERE).optional(),
    trusted_image_certificates:
      minor >= 63 ? z.null('there are no trusted certificates here').optional() : z.never(NOT_THERE).optional(),
  });

export const REBUILD_ACTIONS: Readonly<Record<string, ServerAction>> = {
  rebuild: serverAction({
    args: argsOf,
    run: async ({ servers, target, args, request }) => {
      const { caller, item } = target;
      const { server } = item;
      if (args.key_name !== undefined || args.user_data !== undefined)
        throw new HttpError(501, 'A server keeps its key and its user data when it is rebuilt.');
      const password = args.adminPass ?? newPassword();
      const image = await servers.imageOf(args.imageRef, caller);
      checkFits(server.flavor, image);
      await askServer(servers, target, {
        action: 'rebuild',
        wish: 'rebuild',
        args: {
          image: image.image,
          ...(image.source && { image_source: image.source }),
          ...(password !== '' && { admin_pass: password }),
        },
        task: 'rebuilding',
        from: ['active', 'stopped'],
        change: (now) => ({
          ...now,
          image: args.imageRef,
          name: args.name ?? now.name,
          disk_config: args['OS-DCF:diskConfig'] ?? now.disk_config,
          access_ipv4: args.accessIPv4 ?? now.access_ipv4,
          access_ipv6: args.accessIPv6 ?? now.access_ipv6,
          description: args.description === undefined ? now.description : args.description,
        }),
      });
      if (args.metadata) await setMetadata(servers, { item: needServer(servers, server.id, caller) }, args.metadata);
      const after = needServer(servers, server.id, caller);
      const { minor } = request;
      return {
        status: 202,
        headers: { location: `${servers.url}/servers/${server.id}` },
        body: {
          server: {
            ...renderCommon(after, renderOptionsOf(servers, request)),
            adminPass: password,
            ...(minor >= 54 && { key_name: after.server.key_name }),
            ...(minor >= 57 && { user_data: after.server.user_data }),
            ...(minor >= 71 && { server_groups: after.server.group === null ? [] : [after.server.group] }),
          },
        },
      };
    },
  }),
};

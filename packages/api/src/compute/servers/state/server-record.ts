import { diskCopySchema } from '@etcd-compute/common/etcd/messages/shelved';
import { z } from 'zod';

/*
 * What eapi keeps of a server at `servers/PROJECT/UUID`. The rest of it is an instance of the same uuid, with a boot request and a record of
 * its own: they come in one txn, and go one after the other. What the server does now follows from the two.
 */

const flavor = z.looseObject({
  id: z.string(),
  name: z.string(),
  vcpus: z.int(),
  ram_mib: z.int(),
  disk_gib: z.int(),
  /** Of a second, empty disk; 0: there is none. */
  ephemeral_gib: z.int(),
  extra_specs: z.record(z.string(), z.string()),
});
/** A flavor as it was when the server got it. */
export type OwnFlavor = Readonly<z.output<typeof flavor>>;

/** Something that was asked of it, and what became of that. Times are ISO's. */
const action = z.looseObject({
  request_id: z.string(),
  /** In Nova's words: `create`, `reboot` ... */
  action: z.string(),
  user: z.string(),
  project: z.string(),
  started_at: z.string(),
  /** What it is doing until it is done, in Nova's words: `powering-off` ... Null: nothing that one would see. */
  task_state: z.string().nullable(),
  /** Of the wish of the instance: its record tells the outcome. Null: something else tells it. */
  count: z.int().nullable(),
  finished_at: z.string().nullable(),
  result: z.enum(['Success', 'Error']).nullable(),
  message: z.string().nullable(),
});
export type Action = Readonly<z.output<typeof action>>;

/** It was asked to have another flavor. `resizing`: `flavor` is to come. `verify`, `reverting`: `flavor` is the one of before. */
const resize = z.looseObject({ phase: z.enum(['resizing', 'verify', 'reverting']), flavor });

export const serverSchema = z.looseObject({
  version: z.literal(1),
  id: z.string(),
  project: z.string(),
  user: z.string(),
  /** Any text; several may have the same. */
  name: z.string(),
  description: z.string().nullable(),
  hostname: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  launched_at: z.string().nullable(),
  /** Since when it is to be destroyed. */
  deleting_at: z.string().nullable(),
  /** The instance is gone; the record stays under a lease. */
  deleted_at: z.string().nullable(),
  /** Whether there is an instance: there is none when no host had room. */
  is_placed: z.boolean(),
  flavor,
  resize: resize.nullable(),
  /** Its id. */
  image: z.string(),
  key_name: z.string().nullable(),
  /** In base64, as it was given. */
  user_data: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  tags: z.array(z.string()),
  /** The one that was asked for. */
  availability_zone: z.string().nullable(),
  /** The uuid of its server group. */
  group: z.string().nullable(),
  has_config_drive: z.boolean(),
  disk_config: z.enum(['AUTO', 'MANUAL']),
  access_ipv4: z.string(),
  access_ipv6: z.string(),
  reservation_id: z.string(),
  /** Counts those that were made by one request. */
  launch_index: z.int(),
  locked: z.looseObject({ reason: z.string().nullable() }).nullable(),
  /** Why it has no instance. */
  fault: z.looseObject({ code: z.int(), message: z.string(), created_at: z.string() }).nullable(),
  /** Of its disks: it was unshelved from them, and they go once it is built. */
  copies: z.array(diskCopySchema).optional(),
  /** The newest first. */
  actions: z.array(action),
});
export type Server = Readonly<z.output<typeof serverSchema>>;

/** As many as are kept of one server. */
const MAX_ACTIONS = 40;

/** The server with one more action. */
export const withAction = (server: Server, action: Action): Server => ({
  ...server,
  updated_at: action.started_at,
  actions: [action, ...server.actions].slice(0, MAX_ACTIONS),
});

import { etcdSection, placementSection, secondsKey } from '@etcd-compute/common/config/sections';
import { loadConfig } from '@etcd-compute/common/config/load';
import { DEFAULT_PROJECT, projectSchema } from '@etcd-compute/common/ids';
import { parseSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { z } from 'zod';
import { STRATEGIES } from '@etcd-compute/cloud/selection/strategies';

/** The image that the original boots when it is given none. */
export const DEFAULT_IMAGE = 'http://download.cirros-cloud.net/0.3.6/cirros-0.3.6-x86_64-disk.img';

/** An image is fetched by the host's agent, over HTTP and nothing else. */
export const imageUrlSchema = z.url({
  protocol: /^https?$/,
  error: 'expected an http(s) URL of a disk image, such as http://images.example/debian.qcow2',
});

/** As Placement takes it. */
export const userSchema = z.string().regex(/^\S{1,255}$/, 'expected 1 to 255 characters without spaces');

/** A URL, or a snapshot. */
export const imageSchema = z.union(
  [imageUrlSchema, z.string().refine((text) => parseSnapshotImage(text) !== undefined)],
  {
    error: 'expected an http(s) URL of a disk image, such as http://images.example/debian.qcow2, or snapshot:NAME',
  },
);

/** `schedule.yaml`. The original's has the first two sections. */
export const scheduleSchema = z.strictObject({
  etcd: etcdSection,
  placement: placementSection,
  image: imageSchema.default(DEFAULT_IMAGE).describe('the default image to boot'),
  ssh_keys: z
    .array(z.string().min(1))
    .default([])
    .describe('the default for --ssh-key: .pub files, or lines from them'),
  user_data: z.string().min(1).optional().describe('the default for --user-data: a file for cloud-init'),
  ssh_user: z
    .string()
    .regex(/^[^\s\p{Cc}-][^\s\p{Cc}]*$/u, 'expected the name of a user')
    .optional()
    .describe('the default user of `eschedule ssh`; without it, ssh chooses'),
  project: projectSchema
    .default(DEFAULT_PROJECT)
    .describe(
      'the project of new instances in Placement; names are unique within a project, and commands look in this one',
    ),
  user: userSchema.default('default').describe('the user of new instances in Placement'),
  strategy: z
    .enum(STRATEGIES)
    .default('spread')
    .describe(
      'which host with room to choose; spread: the one with the most room; pack: the one with the least; random: any',
    ),
  retries: z
    .int()
    .min(0)
    .max(20)
    .default(2)
    .describe('how many more hosts may be tried when a host cannot build the instance'),
  timeout: secondsKey(600, 'how long a command with --wait waits'),
});
export type ScheduleConfig = z.output<typeof scheduleSchema>;

const DEFAULT_FILE = 'schedule.yaml';

/**
 * Loads the config: `path`, or `./schedule.yaml` if there is one; then `ESCHEDULE_*` of the environment; then flags.
 *
 * @throws EcomputeError ECOMPUTE_CONFIG_INVALID or ECOMPUTE_CONFIG_UNREADABLE
 */
export const loadScheduleConfig = async (
  path: string | undefined,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<ScheduleConfig> =>
  loadConfig({
    schema: scheduleSchema,
    file: { path: path ?? DEFAULT_FILE, isRequired: path !== undefined },
    envPrefix: 'ESCHEDULE',
    flags,
  });

import type { Entry } from '@etcd-compute/common/etcd/store';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { COMPUTE_KINDS } from '../state/entities.js';
import type { View } from '../state/compute-store.js';

/**
 * How much a project may have, as Nova has it by default; -1: any amount. What is counted elsewhere, or is not there, cannot be set: there are
 * no files that are put into a guest, so none may be.
 */
export const DEFAULT_LIMITS = {
  cores: 20,
  fixed_ips: -1,
  floating_ips: -1,
  injected_file_content_bytes: 0,
  injected_file_path_bytes: 0,
  injected_files: 0,
  instances: 10,
  /** Of each user. */
  key_pairs: 100,
  /** Of each server: what guests' agents take. */
  metadata_items: 128,
  /** In MiB. */
  ram: 51_200,
  security_group_rules: -1,
  security_groups: -1,
  server_groups: 10,
  /** Of each group. */
  server_group_members: 10,
};

export type Resource = keyof typeof DEFAULT_LIMITS;
export type Limits = Readonly<Record<Resource, number>>;

const SETTABLE: readonly Resource[] = [
  'cores',
  'instances',
  'key_pairs',
  'ram',
  'server_groups',
  'server_group_members',
];
export const isSettable = (resource: Resource): boolean => SETTABLE.includes(resource);

/** The name of the limits of projects that have none of their own. */
export const DEFAULT_CLASS = 'default';

export const projectQuotaId = (project: string): string => `project/${project}`;
export const DEFAULT_QUOTA_ID = `class/${DEFAULT_CLASS}`;

/** @param quotas the weakest first. */
const merge = (quotas: readonly ({ readonly limits: Partial<Limits> } | undefined)[]): Limits =>
  quotas.reduce<Limits>((limits, quota) => ({ ...limits, ...quota?.limits }), DEFAULT_LIMITS);

/** @param entries of quotas, the weakest first. */
export const limitsIn = (entries: readonly (Entry | undefined)[]): Limits =>
  merge(entries.map((entry) => entry && parseMessage(COMPUTE_KINDS.quota.schema, entry.key, entry.value)));

/** Of projects that have none of their own. */
export const defaultLimits = (view: View): Limits => limitsOf(view, undefined);

/** @param project undefined when a token is for none. */
export const limitsOf = (view: View, project: string | undefined): Limits =>
  merge([
    view.get('quota', DEFAULT_QUOTA_ID),
    project === undefined ? undefined : view.get('quota', projectQuotaId(project)),
  ]);

import type { Resource } from './quotas.js';

/** The versions from which they are not told any more: they are those of other services, or of what is gone. */
const NETWORK_UNTIL = 36;
const FILES_UNTIL = 57;

const NETWORK: readonly Resource[] = ['fixed_ips', 'floating_ips', 'security_group_rules', 'security_groups'];
const FILES: readonly Resource[] = ['injected_files', 'injected_file_content_bytes', 'injected_file_path_bytes'];

/** Whether a version knows a resource. */
export const isShown = (resource: Resource, minor: number): boolean =>
  !(minor >= NETWORK_UNTIL && NETWORK.includes(resource)) && !(minor >= FILES_UNTIL && FILES.includes(resource));

/** What a version shows of what there is about each resource. */
export const pickShown = <T>(values: Readonly<Record<Resource, T>>, minor: number): Record<string, T> =>
  Object.fromEntries(
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- all are resources
    (Object.entries(values) as [Resource, T][]).filter(([resource]) => isShown(resource, minor)),
  );

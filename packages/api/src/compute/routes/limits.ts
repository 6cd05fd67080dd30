import type { Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { countUses } from '../engine/count-uses.js';
import { isShown } from '../engine/quota-resources.js';
import { limitsOf, type Resource } from '../engine/quotas.js';

/** The version from which images' metadata is left to the image service. */
const IMAGES_UNTIL = 39;

const LIMITS: readonly (readonly [string, Resource])[] = [
  ['maxServerMeta', 'metadata_items'],
  ['maxImageMeta', 'metadata_items'],
  ['maxPersonality', 'injected_files'],
  ['maxPersonalitySize', 'injected_file_content_bytes'],
  ['maxSecurityGroupRules', 'security_group_rules'],
  ['maxSecurityGroups', 'security_groups'],
  ['maxTotalCores', 'cores'],
  ['maxTotalFloatingIps', 'floating_ips'],
  ['maxTotalInstances', 'instances'],
  ['maxTotalKeypairs', 'key_pairs'],
  ['maxTotalRAMSize', 'ram'],
  ['maxServerGroups', 'server_groups'],
  ['maxServerGroupMembers', 'server_group_members'],
];
const USES: readonly (readonly [string, Resource])[] = [
  ['totalCoresUsed', 'cores'],
  ['totalInstancesUsed', 'instances'],
  ['totalRAMUsed', 'ram'],
  ['totalSecurityGroupsUsed', 'security_groups'],
  ['totalFloatingIpsUsed', 'floating_ips'],
  ['totalServerGroupsUsed', 'server_groups'],
];

/** https://docs.openstack.org/api-ref/compute/#limits-limits */
export const createLimitRoutes = (compute: Compute): readonly Route[] => [
  computeRoute({
    method: 'GET',
    path: '/limits',
    rule: 'compute:limits:show',
    target: ({ query, caller }) => ({ 'target.project_id': query.get('tenant_id') ?? caller?.projectId }),
    handle: async ({ query, caller, minor }) => {
      const project = query.get('tenant_id') ?? caller.projectId ?? '';
      const limits = limitsOf(compute.store.view(), project);
      const uses = await countUses(compute, { project, user: caller.userId });
      const shown = ([name, resource]: readonly [string, Resource]): boolean =>
        isShown(resource, minor) && !(name === 'maxImageMeta' && minor >= IMAGES_UNTIL);
      const absolute = {
        ...Object.fromEntries(LIMITS.filter(shown).map(([name, resource]) => [name, limits[resource]])),
        ...Object.fromEntries(USES.filter(shown).map(([name, resource]) => [name, uses[resource] ?? 0])),
      };
      return { status: 200, body: { limits: { rate: [], absolute } } };
    },
  }),
];

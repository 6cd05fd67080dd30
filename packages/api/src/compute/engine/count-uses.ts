import type { Compute } from '../compute.js';
import type { Resource } from './quotas.js';

/** What there is of what is limited. @param owner keypairs are the user's, all else is the project's. */
export const countUses = async (
  { store, usageOf }: Pick<Compute, 'store' | 'usageOf'>,
  { project, user }: { readonly project: string; readonly user: string },
): Promise<Readonly<Partial<Record<Resource, number>>>> => ({
  ...(await usageOf(project)),
  server_groups: store.view().related('server_group', project).length,
  key_pairs: store.view().related('keypair', user).length,
});

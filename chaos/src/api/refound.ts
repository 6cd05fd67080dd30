import type { Play } from '../play-round.js';
import { forgetAll } from './api-ledger.js';
import { makeTenant } from './tenant.js';

/** What a person does when etcd has forgotten all projects, too: starts every eapi anew, and begins as with a new cloud. */
export const refoundCloud = async ({ stage: { eapis }, api }: Pick<Play, 'stage' | 'api'>): Promise<void> => {
  const [first] = eapis;
  if (!api || !first) return;
  for (const { service } of eapis) await service.restart();
  forgetAll(api.ledger);
  api.tenant = await makeTenant(first);
};

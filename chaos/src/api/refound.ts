import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Play } from '../play-round.js';
import { forgetAll } from './api-ledger.js';
import { makeTenant } from './tenant.js';

/** What a person does when etcd has forgotten all projects, too: gives up the images, starts every eapi anew, and begins as with a new cloud. */
export const refoundCloud = async ({ stage: { eapis }, api }: Pick<Play, 'stage' | 'api'>): Promise<void> => {
  const [first] = eapis;
  if (!api || !first) return;
  for (const { service, imagesDir } of eapis) {
    await rm(join(imagesDir, '.cloud'), { force: true });
    await service.restart();
  }
  forgetAll(api.ledger);
  api.tenant = await makeTenant(first);
};

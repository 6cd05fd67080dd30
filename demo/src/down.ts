import { rm } from 'node:fs/promises';
import { cleanUp } from './clean-up.js';
import type { CommandContext } from './command.js';
import { lockFolder } from './lock.js';
import { markChildren } from './processes.js';
import { findRecord } from './record.js';

/** Leaves nothing behind, whatever has died in between. May be repeated. */
export const down = async ({ folders, stages }: CommandContext): Promise<number> => {
  await using _lock = await lockFolder(folders);
  markChildren(folders.dir);
  const record = await findRecord(folders);
  await stages.run('down', (stage) => cleanUp(folders, { record, stage }));
  await rm(folders.dir, { recursive: true });
  stages.note(record ? `all gone in ${stages.elapsed()}` : 'there was no demo');
  return 0;
};

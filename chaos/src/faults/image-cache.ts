import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hostOf, type Inject } from './inject.js';

const CHUNK = Buffer.alloc(64 * 1024);
const LAST_CHUNK = Buffer.alloc(4096);

/** Writes until the file system says that it is full, at last page by page. */
export const fillImageCache: Inject = async (context) => {
  const path = join(hostOf(context).imagesDir, 'filler');
  const file = await open(path, 'w');
  try {
    for (const chunk of [CHUNK, LAST_CHUNK]) await writeUntilFull(async () => file.write(chunk));
  } finally {
    await file.close();
  }
  return async () => rm(path, { force: true });
};

const writeUntilFull = async (write: () => Promise<{ bytesWritten: number }>): Promise<void> => {
  try {
    while ((await write()).bytesWritten > 0);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
};

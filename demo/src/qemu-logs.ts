import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

const LOG_FOLDER = '/var/log/libvirt/qemu';

/** `<instance>.log`, and older parts of it. */
const LOG_NAME = /^[0-9a-f-]{36}\.log(\.\d+)?$/;

/** QEMU's command line, which is what a log begins with, names the disk. */
const HEAD_BYTES = 16_384;

/**
 * Removes what QEMU has logged of guests with a disk in this folder. libvirt keeps these logs also of domains that it has forgotten,
 * so they cannot be found through it.
 */
export const removeQemuLogs = async (disksFolder: string): Promise<void> => {
  const names = await readdir(LOG_FOLDER).catch(() => []); // libvirt makes it with the first guest
  for (const name of names.filter((candidate) => LOG_NAME.test(candidate))) {
    const path = join(LOG_FOLDER, name);
    if ((await readHead(path)).includes(`"${disksFolder}/`)) await rm(path, { force: true });
  }
};

const readHead = async (path: string): Promise<string> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
};

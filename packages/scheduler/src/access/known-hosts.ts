import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';

/** Where the keys of guests are remembered, in the folder that the XDG base directory specification has for such; it is made. */
export const ensureKnownHosts = async (): Promise<string> => {
  // No setting of ours: the desktop's, and `load.ts` reads only ours.
  const given = process.env['XDG_STATE_HOME'] ?? '';
  const state = isAbsolute(given) ? given : join(homedir(), '.local', 'state');
  const path = join(state, 'eschedule', 'known_hosts');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return path;
};

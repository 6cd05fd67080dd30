import type { Cloud } from '@etcd-compute/cloud';
import { asked } from './to-http.js';

/** As much of a log as an answer holds. */
const MAX_BYTES = 1024 * 1024;

/** The end of a server's console log. @param tail so many lines; undefined is all that an answer holds. */
export const readServerConsole = async (
  cloud: Pick<Cloud, 'readConsole'>,
  { id, tail }: { readonly id: string; readonly tail: number | undefined },
): Promise<string> => {
  let kept: Buffer[] = [];
  let size = 0;
  await asked(
    cloud.readConsole(id, {
      tail,
      write: async (bytes) => {
        kept.push(bytes);
        size += bytes.length;
        if (size <= 2 * MAX_BYTES) return;
        kept = [Buffer.concat(kept).subarray(-MAX_BYTES)];
        size = MAX_BYTES;
      },
    }),
  );
  return Buffer.concat(kept).subarray(-MAX_BYTES).toString('utf8');
};

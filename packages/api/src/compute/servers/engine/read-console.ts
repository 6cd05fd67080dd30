import type { Cloud } from '@etcd-compute/cloud';
import { asked } from './to-http.js';

/** As much of a log as an answer holds. */
const MAX_BYTES = 1024 * 1024;

/** Nova leaves them out too (api/openstack/compute/console_output.py). */
const CONTROLS = /[^\P{Cc}\t\n\u007F-\u009F]/gu;

/**
 * The end of a server's console log, without control characters but tabs and line feeds.
 *
 * @param tail so many lines, of which the last is what follows the last line feed, as Nova counts them; undefined is all that an answer holds.
 */
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
  const text = Buffer.concat(kept).subarray(-MAX_BYTES).toString('utf8').replace(CONTROLS, '');
  return tail === undefined ? text : lastLines(text, tail);
};

const lastLines = (text: string, count: number): string =>
  count === 0 ? '' : text.split('\n').slice(-count).join('\n');

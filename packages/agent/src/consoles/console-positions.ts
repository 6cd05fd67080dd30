import type { ConsolePosition } from '@etcd-compute/common/endpoint/protocol';
import type { ConsoleFile } from './open-console.js';

/** Where to begin in the files of a log, of which there is at least one, the oldest first. */
export interface Start {
  readonly index: number;
  readonly offset: number;
  /** It is not where it was asked: that place is gone. */
  readonly isGap: boolean;
}

/** The end of a file is the beginning of the next one. */
const normalize = (files: readonly ConsoleFile[], { index, offset, isGap }: Start): Start =>
  offset >= (files[index]?.sizeBytes ?? 0) && index < files.length - 1
    ? { index: index + 1, offset: 0, isGap }
    : { index, offset, isGap };

/** A file that is shorter than it was has been begun anew, as the hypervisor does at each start of a guest. */
export const locate = (files: readonly ConsoleFile[], { file, offset }: ConsolePosition): Start => {
  const index = files.findIndex(({ id }) => id === file);
  if (index < 0) return { index: 0, offset: 0, isGap: true };
  if (offset > (files[index]?.sizeBytes ?? 0)) return { index, offset: 0, isGap: true };
  return normalize(files, { index, offset, isGap: false });
};

const BLOCK_BYTES = 64 * 1024;
const LINE_FEED = 10;

/** Where the last `lines` lines begin; what comes after the last line break is a line too, as for `tail`. */
export const findTail = async (files: readonly ConsoleFile[], lines: number, signal: AbortSignal): Promise<Start> => {
  const last = files.length - 1;
  if (lines === 0) return { index: last, offset: files[last]?.sizeBytes ?? 0, isGap: false };
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let found = 0;
  let isLastByte = true;
  for (let index = last; index >= 0; index -= 1) {
    const file = files[index];
    if (!file) break;
    for (let end = file.sizeBytes; end > 0;) {
      signal.throwIfAborted();
      const start = Math.max(0, end - BLOCK_BYTES);
      const { bytesRead } = await file.handle.read(block, 0, end - start, start);
      for (let at = bytesRead - 1; at >= 0; at -= 1) {
        // The line break at the very end ends the last line.
        if (block[at] === LINE_FEED && !isLastByte) found += 1;
        isLastByte = false;
        if (found === lines) return normalize(files, { index, offset: start + at + 1, isGap: false });
      }
      end = start;
    }
  }
  return { index: 0, offset: 0, isGap: false };
};

import { trimMemory } from './ffi/headers/libc.js';
import { collectEventGarbage, hungThreads } from './runtime/runtime.js';
import { changeThreadSettings } from './runtime/settings.js';
import type { ThreadSettings } from './runtime/settings.js';

/**
 * Tunes this process's call threads; each costs about as much memory as an empty Node worker. Takes effect for threads
 * that start afterwards. Without it there are at most 4, and a thread ends after 10 s without work, down to one;
 * 16 more may hang.
 */
export function configureThreads(changes: Partial<ThreadSettings>): void {
  const { maxThreads, maxHungThreads, minThreads, idleMs } = changes;
  if (minThreads !== undefined && (!Number.isInteger(minThreads) || minThreads < 0)) {
    throw new RangeError(`could not set minThreads to ${minThreads}: it must be a whole number of at least 0`);
  }
  if (maxThreads !== undefined && (!Number.isInteger(maxThreads) || maxThreads < 1)) {
    throw new RangeError(`could not set maxThreads to ${maxThreads}: it must be a whole number of at least 1`);
  }
  if (maxHungThreads !== undefined && (!Number.isInteger(maxHungThreads) || maxHungThreads < 1)) {
    throw new RangeError(`could not set maxHungThreads to ${maxHungThreads}: it must be a whole number of at least 1`);
  }
  if (idleMs !== undefined && !(idleMs >= 0)) {
    throw new RangeError(`could not set idleMs to ${idleMs}: it must be a number of milliseconds`);
  }
  changeThreadSettings(changes);
}

/**
 * Collects garbage in the main thread and in libvirt's event thread, and gives back to the system what the C library holds and does not use.
 * Takes some 50 ms. Does nothing where Node runs without --expose-gc.
 */
export async function releaseMemory(): Promise<void> {
  if (globalThis.gc === undefined) return;
  globalThis.gc();
  await collectEventGarbage();
  trimMemory();
}

/** How many threads hang in a call that ran longer than it may. Each keeps its memory, some 9 MiB, until libvirt returns. */
export function countHungThreads(): number {
  return hungThreads();
}

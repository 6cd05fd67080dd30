/** Process-wide settings. Module state, because the threads they describe are the process's. */
export interface ThreadSettings {
  /** Upper bound of call threads, that is of libvirt calls that run at once. Threads whose call hangs do not count. */
  maxThreads: number;
  /** While so many threads hang in a call, no further connection is opened. */
  maxHungThreads: number;
  /** How many call threads stay when there is no work. */
  minThreads: number;
  /** How long any other stays without work, in milliseconds, before it ends. */
  idleMs: number;
}

const settings: ThreadSettings = { maxThreads: 4, maxHungThreads: 16, minThreads: 1, idleMs: 10_000 };

export function threadSettings(): Readonly<ThreadSettings> {
  return settings;
}

export function changeThreadSettings(changes: Partial<ThreadSettings>): void {
  Object.assign(settings, changes);
}

/** Process-wide settings. Module state, because the threads they describe are the process's. */
export interface ThreadSettings {
  /** Upper bound of call threads, that is of libvirt calls that run at once. */
  maxThreads: number;
  /** How long a call thread stays without work, in milliseconds, before it ends. The last one stays. */
  idleMs: number;
}

const settings: ThreadSettings = { maxThreads: 4, idleMs: 10_000 };

export function threadSettings(): Readonly<ThreadSettings> {
  return settings;
}

export function changeThreadSettings(changes: Partial<ThreadSettings>): void {
  Object.assign(settings, changes);
}

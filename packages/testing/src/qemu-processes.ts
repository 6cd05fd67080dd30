import { readdir, readFile } from 'node:fs/promises';

/** The processes of a domain, by its uuid or name: one, unless something is badly wrong. None when it does not run. */
export async function qemusOf(domain: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return words.startsWith('/usr/bin/qemu') && words.includes(domain) ? [pid] : [];
    }),
  );
  return found.flat();
}

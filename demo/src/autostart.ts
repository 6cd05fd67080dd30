/**
 * A libvirtd starts domains, networks and pools that are marked for it, once after each boot of the machine. One that the demo has
 * started must not: neither those of the host, nor later the demo's own with the host's libvirtd.
 */
import { access, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '@etcd-compute/testing/replace-file';

/** The marks: folders of links. */
const LINK_FOLDERS = [
  '/etc/libvirt/qemu/autostart',
  '/etc/libvirt/qemu/networks/autostart',
  '/etc/libvirt/storage/autostart',
];

/** By these files a libvirtd knows that it was done since the boot. */
const DONE_FILES = ['qemu', 'network', 'storage'].map((driver) => `/run/libvirt/${driver}/autostarted`);

/** A folder or file, and what is to be seen in its place. */
export interface Mount {
  readonly from: string;
  readonly over: string;
}

const doneRecord = (folder: string): string => join(folder, 'autostart.json');

/** What a libvirtd needs to see empty folders of marks; notes in `folder` what {@link restoreAutostart} has to take back. */
export const suppressAutostart = async (folder: string): Promise<Mount[]> => {
  if (!(await findDone(folder))) {
    const missing: string[] = [];
    for (const path of DONE_FILES) if (!(await exists(path))) missing.push(path);
    const done: Done = { bootId: await readBootId(), missing };
    await replaceFile(doneRecord(folder), JSON.stringify(done));
  }
  const mounts: Mount[] = [];
  for (const [index, over] of LINK_FOLDERS.entries()) {
    await mkdir(over, { recursive: true }); // as libvirt does when it needs it
    const from = join(folder, `autostart-${index}`);
    await mkdir(from, { recursive: true });
    mounts.push({ from, over });
  }
  return mounts;
};

/** Lets the host's libvirtd do it when it starts. May be repeated; does nothing when the machine was booted meanwhile. */
export const restoreAutostart = async (folder: string): Promise<void> => {
  const done = await findDone(folder);
  for (const path of done?.missing ?? []) await rm(path, { force: true });
  await rm(doneRecord(folder), { force: true });
};

interface Done {
  readonly bootId: string;
  /** The files that were not there before. */
  readonly missing: readonly string[];
}

/** What was noted since the machine's last boot. */
const findDone = async (folder: string): Promise<Done | undefined> => {
  const text = await readFile(doneRecord(folder), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // Written above and nowhere else.
  const done: Done = JSON.parse(text);
  return done.bootId === (await readBootId()) ? done : undefined;
};

const readBootId = async (): Promise<string> => (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();

const exists = async (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

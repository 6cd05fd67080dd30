/**
 * The processes of a demo. Each has a file that tells of it (`packages/testing/src/service.ts`), and carries a variable with the
 * demo's folder in its environment, by which one is found that was started in the moment in which the demo was killed.
 */
import { readdir, readFile } from 'node:fs/promises';
import { identifyProcess, signalProcess, waitForExit } from '@etcd-compute/testing/process-identity';
import type { ProcessIdentity } from '@etcd-compute/testing/process-identity';
import { adoptService } from '@etcd-compute/testing/service';
import type { Service } from '@etcd-compute/testing/service';

// Not ETCD_… or the like: those variables are kept from the server whose they would be.
const MARK = 'DEMO_OF_ETCD_COMPUTE';
const STOP_TIMEOUT_MS = 5_000;

/** From now on, every process that this one starts carries the mark. */
export const markChildren = (dir: string): void => {
  process.env[MARK] = dir;
};

/** The service that this file tells of; undefined when it does not run. */
export const findService = async (stateFile: string): Promise<Service | undefined> =>
  adoptService(stateFile, () => Promise.resolve(true));

/** Ends the service that this file tells of. @returns whether it ran. */
export const endService = async (stateFile: string): Promise<boolean> => {
  const service = await findService(stateFile);
  await service?.stop();
  return service !== undefined;
};

/**
 * Ends every process with the mark that no file tells of. Guests and dnsmasq, which a libvirtd of ours has started, are left to
 * libvirt, which knows whose they are.
 *
 * @param stateFiles of the services to keep. @returns what was ended, by name and pid.
 */
export const endStrays = async (dir: string, stateFiles: readonly string[]): Promise<string[]> => {
  const services = await Promise.all(stateFiles.map(findService));
  const kept = new Set(services.flatMap((service) => (service ? [service.pid] : [])));
  const strays = (await listMarked(dir)).filter(({ name, group }) => !kept.has(group) && !/^(dnsmasq|qemu)/.test(name));
  for (const { identity } of strays) await signalProcess(identity, 'SIGTERM');
  for (const { identity } of strays) {
    if (await waitForExit(identity, STOP_TIMEOUT_MS)) continue;
    await signalProcess(identity, 'SIGKILL');
    await waitForExit(identity, STOP_TIMEOUT_MS);
  }
  return strays.map(({ name, identity }) => `${name} (pid ${identity.pid})`);
};

interface MarkedProcess {
  readonly name: string;
  /** Its process group, which is the pid of the service that it belongs to. */
  readonly group: number;
  readonly identity: ProcessIdentity;
}

const listMarked = async (dir: string): Promise<MarkedProcess[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map((pid) => readMarked(pid, dir)));
  return found.filter((process) => process !== undefined);
};

const readMarked = async (pid: number, dir: string): Promise<MarkedProcess | undefined> => {
  if (pid === process.pid) return undefined;
  try {
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
    if (!environment.split('\0').includes(`${MARK}=${dir}`)) return undefined;
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name is in parentheses and may hold anything; the group is the third field after it.
    const nameEnd = stat.lastIndexOf(')');
    const identity = await identifyProcess(pid);
    return (
      identity && {
        name: stat.slice(stat.indexOf('(') + 1, nameEnd),
        group: Number(stat.slice(nameEnd + 2).split(' ')[2]),
        identity,
      }
    );
  } catch {
    return undefined; // it has ended meanwhile, or is a thread of the kernel
  }
};

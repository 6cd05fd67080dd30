import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from './host.js';
import type { Violation } from './invariants/rule.js';

/** What is looked at only when all has settled: it takes its time. */
export const checkHosts = async (hosts: readonly Host[]): Promise<Violation[]> => [
  ...(await findBadImages(hosts)),
  ...(await findGreedyAgents(hosts)),
];

/** Far more than an agent needs for a few guests. */
const MOST_MEMORY_MIB = 400;
const MOST_FILES = 300;

const findGreedyAgents = async (hosts: readonly Host[]): Promise<Violation[]> => {
  const violations: Violation[] = [];
  for (const { uuid, agent } of hosts) {
    const status = await readFile(`/proc/${agent.pid}/status`, 'utf8');
    const memoryMiB = Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
    const files = (await readdir(`/proc/${agent.pid}/fd`)).length;
    if (memoryMiB <= MOST_MEMORY_MIB && files <= MOST_FILES) continue;
    violations.push({ rule: 'agent grows', what: `that of host ${uuid} has ${memoryMiB} MiB and ${files} open files` });
  }
  return violations;
};

/** Every cached image is what its name says: guests' disks are on it. */
const findBadImages = async (hosts: readonly Host[]): Promise<Violation[]> => {
  const violations: Violation[] = [];
  for (const { uuid, imagesDir } of hosts)
    for (const name of await readdir(imagesDir)) {
      if (!name.endsWith('.img')) continue;
      const sha256 = createHash('sha256')
        .update(await readFile(join(imagesDir, name)))
        .digest('hex');
      if (name !== `${sha256}.img`) violations.push({ rule: 'wrong image', what: `${name} on ${uuid} is ${sha256}` });
    }
  return violations;
};

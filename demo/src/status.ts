import { listInstances } from './eschedule.js';
import { findLibvirt, isOwnLibvirtd } from './libvirtd.js';
import { findService } from './processes.js';
import { findRecord } from './record.js';
import { serverFiles } from './servers.js';
import type { CommandContext } from './command.js';

/** Prints what runs. @returns 0 when all of it does, else 1. */
export const status = async ({ folders }: CommandContext): Promise<number> => {
  const record = await findRecord(folders);
  if (!record) {
    process.stdout.write('no demo: npm run demo starts one\n');
    return 1;
  }
  let isComplete = record.isComplete;
  const print = (name: string, state: string): void => void process.stdout.write(`${name.padEnd(14)}${state}\n`);
  for (const [name, stateFile] of Object.entries(serverFiles(folders))) {
    if (name === 'placement' && record.placement === 'etcd') continue;
    const service = await findService(stateFile);
    print(name, service ? `runs (pid ${service.pid}), log ${service.logPath}` : 'does not run');
    isComplete &&= service !== undefined;
  }
  await using connection = await findLibvirt();
  const whose = (await isOwnLibvirtd(folders)) ? 'started by the demo' : 'the host’s own';
  print('libvirt', connection ? `runs, ${whose}` : 'does not run');
  isComplete &&= connection !== undefined;
  if (isComplete)
    for (const { name, instance, state, addresses } of await listInstances(folders))
      print('instance', `${name ?? instance} ${state} ${addresses.map(({ address }) => address).join(' ')}`);
  return isComplete ? 0 : 1;
};

/**
 * What commands cost among few and many instances: `npm run bench:fleet` without agents. Records, requests, names and locations are
 * written into a real etcd as schedulers and agents write them; nothing is booted, and Placement is empty.
 *
 *   npm run bench:commands -- [--instances 50000] [--hosts 1000] [--runs 5]
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore } from '@etcd-compute/common/etcd/store';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { median, say } from './figures.js';
import type { CommandFigures } from './fleet/commands.js';
import { runEschedule } from './fleet/run-eschedule.js';
import { renderCommands } from './fleet/tables.js';
import { writeHosts } from './fleet/written-instances.js';

const { values } = parseArgs({
  options: {
    instances: { type: 'string', default: '50000' },
    hosts: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '5' },
  },
});
const instances = Number(values.instances);
const hostCount = Number(values.hosts);
const runs = Number(values.runs);
const FEW = 10;

/** @param names of instances that are there; each run of what changes one takes the next. */
const measureCommands = async (config: string, names: readonly string[]): Promise<CommandFigures[]> => {
  const left = [...names];
  const [seen = ''] = names;
  const commands: readonly (readonly [string, () => readonly string[]])[] = [
    ['list', () => ['list']],
    ['list -o json', () => ['list', '-o', 'json']],
    ['show NAME', () => ['show', seen]],
    ['stop --no-wait NAME', () => ['stop', '--no-wait', left.pop() ?? '']],
    ['destroy NAME', () => ['destroy', left.pop() ?? '']],
    ['hosts', () => ['hosts']],
    ['audit', () => ['audit']],
  ];
  const figures: CommandFigures[] = [];
  for (const [command, argv] of commands) {
    const all = [];
    for (let run = 0; run < runs; run += 1)
      all.push(await runEschedule([...argv(), '--config', config], new AbortController().signal));
    const failed = all.find(({ code }) => code !== 0);
    figures.push({
      command,
      seconds: median(all.map(({ seconds }) => seconds)),
      cpuSeconds: median(all.map(({ calls }) => calls.cpuSeconds)),
      peakKiB: Math.max(...all.map(({ calls }) => calls.peakKiB)),
      placementCalls: median(all.map(({ calls }) => calls.placement)),
      etcdCalls: median(all.map(({ calls }) => calls.etcd)),
      failure: failed?.stderr.split('\n')[0],
    });
  }
  return figures;
};

await using dir = await makeTempDir('bench-commands');
await using etcd = await startEtcd();
await using placement = await startPlacement();
await using store = await openStore(etcdSection.parse({ host: etcd.host, port: etcd.port, timeout: 60 }));
const config = join(dir.path, 'schedule.yaml');
await writeFile(
  config,
  JSON.stringify({
    etcd: { host: etcd.host, port: etcd.port, timeout: 60 },
    placement: { endpoint: placement.endpoint },
  }),
);
const written = await writeHosts(store, hostCount);
// As many as are changed, and one that is looked at.
const changed = 2 * runs + 1;
const namesFrom = (first: number): string[] => Array.from({ length: changed }, (_, index) => `web-${first + index}`);
await written.add(changed + FEW);
const before = { instances: changed + FEW, figures: await measureCommands(config, namesFrom(0)) };
await written.add(instances - changed - FEW);
const after = { instances, figures: await measureCommands(config, namesFrom(instances - changed)) };
say(
  `commands, with ${hostCount} hosts (median of ${runs}; ratios of time and of processor time):\n${renderCommands(before, after)}`,
);

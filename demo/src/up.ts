import { lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { ensureApi } from './api.js';
import { cleanUp } from './clean-up.js';
import type { CommandContext } from './command.js';
import { scheduleConfigPath, writeWrapper } from './eschedule.js';
import type { Folders } from './folders.js';
import { ensureGuest, readConsole } from './guest.js';
import { ensureAgent } from './host-agent.js';
import { libvirtStateFiles } from './libvirtd.js';
import { lockFolder } from './lock.js';
import { readMemory } from './memory.js';
import { prepareLibvirt } from './prepare-libvirt.js';
import { endStrays, markChildren } from './processes.js';
import { findRecord, newRecord, placementSection, writeRecord } from './record.js';
import type { DemoRecord } from './record.js';
import { renderResult } from './result.js';
import { ensureEtcd, ensureImageServer, ensurePlacement, imageUrl, keepPorts, serverFiles } from './servers.js';
import type { Stages } from './stages.js';

/**
 * Brings everything up, from whatever is there: each stage finds what runs, or starts it. Nothing that was started is taken back
 * when a stage fails, so that its log can be read; the next run, or `down`, finds it.
 */
export const up = async ({ folders, stages, placement }: CommandContext): Promise<number> => {
  stages.past('set-up', 'packages and build');
  await using _lock = await lockFolder(folders);
  markChildren(folders.dir);
  const begun = await beginRecord({ folders, stages, placement });
  await writeFile(scheduleConfigPath(folders.dir), renderScheduleConfig(begun));
  await writeWrapper(folders);
  const [record, imagePath] = await together([
    startCloud({ folders, stages }, begun),
    offerImage({ folders, stages }, begun.ports.images),
  ]);
  const instance = await stages.run('guest', (stage) => ensureGuest(folders, stage));
  const lines = await readConsole(record.hostStateDir, instance);
  await writeRecord(folders, { ...record, isComplete: true });
  stages.note(`all in ${stages.elapsed()}`);
  const memory = await readMemory(folders);
  process.stdout.write(
    renderResult(folders, { instance, consoleLines: lines, memory, imagePath, network: record.libvirt?.name ?? '' }),
  );
  return 0;
};

/** The record of what runs; a new one when there is none, or when the run that made it was interrupted. */
const beginRecord = async ({ folders, stages, placement }: CommandContext): Promise<DemoRecord> => {
  const found = await findRecord(folders);
  if (found?.isComplete === true) {
    if (placement !== undefined && placement !== found.placement)
      throw new Error(
        `could not start with --placement ${placement}: a demo with --placement ${found.placement} is there; end it first (npm run demo -- down)`,
      );
    await endStrays(folders.dir, [...Object.values(serverFiles(folders)), ...libvirtStateFiles(folders)]);
    const record = { ...found, ports: await keepPorts(folders, found.ports) };
    await writeRecord(folders, record);
    return record;
  }
  if (found) await stages.run('clean-up', (stage) => cleanUp(folders, { record: found, stage }));
  else await cleanUp(folders, { record: undefined });
  const record = await newRecord(folders, placement ?? 'etcd');
  await writeRecord(folders, record);
  await makeHostStateDir(folders, stages);
  return record;
};

const makeHostStateDir = async ({ hostStateDir, closedFolder }: Folders, stages: Stages): Promise<void> => {
  if (closedFolder !== undefined)
    stages.note(
      `guests cannot reach disks under ${closedFolder}, which is closed to others: they are in ${hostStateDir}`,
    );
  await mkdir(hostStateDir, { recursive: true, mode: 0o755 });
  // /var/tmp is open to everybody: what is there under our name must be ours.
  const stats = await lstat(hostStateDir);
  if (!stats.isDirectory() || stats.uid !== process.getuid?.())
    throw new Error(`could not use ${hostStateDir}: it is there already, and not a folder of ours`);
};

type Context = Pick<CommandContext, 'folders' | 'stages'>;

/** The servers, then what needs them: `ecompute` all of them, `eapi` only etcd. */
const startCloud = async ({ folders, stages }: Context, begun: DemoRecord): Promise<DemoRecord> => {
  const { ports, placement } = begun;
  const etcd = stages.run('etcd', (stage) => ensureEtcd({ folders, port: ports.etcd, stage }));
  const startApi = async (): Promise<void> => {
    await etcd;
    await stages.run('eapi', (stage) => ensureApi({ folders, record: begun, stage }));
  };
  const startAgent = async (): Promise<DemoRecord> => {
    const [record] = await together([
      stages.run('libvirt', (stage) => prepareLibvirt({ folders, stages }, begun, stage)),
      etcd,
      ...(placement === 'openstack'
        ? [stages.run('Placement', (stage) => ensurePlacement({ folders, port: ports.placement, stage }))]
        : []),
    ]);
    await stages.run('ecompute', (stage) => ensureAgent(folders, record, stage));
    return record;
  };
  const [record] = await together([startAgent(), startApi()]);
  return record;
};

/** @returns the file of the guest image. */
const offerImage = async ({ folders, stages }: Context, port: number): Promise<string> => {
  const image = await stages.run('guest image', async (stage) => {
    const built = await buildGuestImage(join(folders.root, '.cache'));
    stage.outcome(`${(built.sizeBytes / 2 ** 20).toFixed(0)} MiB, ${built.path}`);
    return built;
  });
  await stages.run('image server', (stage) => ensureImageServer({ folders, port, stage, imagePath: image.path }));
  return image.path;
};

/** Like `Promise.all`, but also when one fails the others come to their end: nothing is left half started. */
const together = async <T extends readonly Promise<unknown>[] | []>(
  tasks: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(tasks);
  return Promise.all(tasks);
};

/** JSON, which is YAML too. */
const renderScheduleConfig = (record: DemoRecord): string => {
  const { ports } = record;
  const config = {
    // A small machine may be busy with much else.
    etcd: { host: '127.0.0.1', port: ports.etcd, timeout: 30 },
    placement: placementSection(record),
    image: imageUrl(ports.images),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
};

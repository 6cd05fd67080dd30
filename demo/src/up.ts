import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { cleanUp } from './clean-up.js';
import type { CommandContext } from './command.js';
import type { Instance } from './eschedule.js';
import { scheduleConfigPath, typedWrapper, writeWrapper } from './eschedule.js';
import type { Folders } from './folders.js';
import { ensureGuest, readConsole } from './guest.js';
import { ensureAgent } from './host-agent.js';
import { removeFromLibvirt, surveyLibvirt } from './leftovers.js';
import { ensureLibvirt, isKvmUseless, isOwnLibvirtd, libvirtStateFiles } from './libvirtd.js';
import { lockFolder } from './lock.js';
import { endStrays, markChildren } from './processes.js';
import { findRecord, newRecord, writeRecord } from './record.js';
import type { DemoRecord } from './record.js';
import { ensureEtcd, ensureImageServer, ensurePlacement, imageUrl, keepPorts, serverFiles } from './servers.js';
import type { Stage, Stages } from './stages.js';
import { chooseSubnet, parseRoutes } from './subnet.js';

/**
 * Brings everything up, from whatever is there: each stage finds what runs, or starts it. Nothing that was started is taken back
 * when a stage fails, so that its log can be read; the next run, or `down`, finds it.
 */
export const up = async ({ folders, stages }: CommandContext): Promise<number> => {
  stages.past('set-up', 'packages and build');
  await using _lock = await lockFolder(folders);
  markChildren(folders.dir);
  const begun = await beginRecord({ folders, stages });
  const record = await startServers({ folders, stages }, begun);
  await writeFile(scheduleConfigPath(folders.dir), renderScheduleConfig(record));
  await writeWrapper(folders);
  await stages.run('ecompute', (stage) => ensureAgent(folders, record, stage));
  const instance = await stages.run('guest', (stage) => ensureGuest(folders, stage));
  const lines = await readConsole(record.hostStateDir, instance);
  await writeRecord(folders, { ...record, isComplete: true });
  process.stdout.write(renderResult(folders, instance, lines));
  stages.note(`all in ${stages.elapsed()}`);
  return 0;
};

/** The record of what runs; a new one when there is none, or when the run that made it was interrupted. */
const beginRecord = async ({ folders, stages }: CommandContext): Promise<DemoRecord> => {
  const found = await findRecord(folders);
  if (found?.isComplete === true) {
    await endStrays(folders.dir, [...Object.values(serverFiles(folders)), ...libvirtStateFiles(folders)]);
    const record = { ...found, ports: await keepPorts(folders, found.ports) };
    await writeRecord(folders, record);
    return record;
  }
  const what = found ? 'interrupted' : 'leftovers';
  if (found) await stages.run(what, (stage) => cleanUp(folders, { record: found, stage }));
  else await cleanUp(folders, { record: undefined });
  const record = await newRecord(folders);
  await writeRecord(folders, record);
  await makeHostStateDir(folders, stages);
  return record;
};

const makeHostStateDir = async ({ hostStateDir, closedFolder }: Folders, stages: Stages): Promise<void> => {
  if (closedFolder !== undefined)
    stages.note(
      `guests cannot reach disks under ${closedFolder}, which is closed to other users: they are in ${hostStateDir}`,
    );
  await mkdir(hostStateDir, { recursive: true, mode: 0o755 });
  // /var/tmp is open to everybody: what is there under our name must be ours.
  const { uid } = await stat(hostStateDir);
  if (uid !== process.getuid?.()) throw new Error(`could not use ${hostStateDir}: it belongs to another user (${uid})`);
};

/** All at the same time, and all to their end also when one fails: nothing is left half started. */
const startServers = async ({ folders, stages }: CommandContext, record: DemoRecord): Promise<DemoRecord> => {
  const { ports } = record;
  const [libvirt, ...others] = await Promise.allSettled([
    stages.run('libvirt', (stage) => prepareLibvirt({ folders, stages }, record, stage)),
    stages.run('etcd', (stage) => ensureEtcd({ folders, port: ports.etcd, stage })),
    stages.run('Placement', (stage) => ensurePlacement({ folders, port: ports.placement, stage })),
    ensureImage({ folders, stages }, ports.images),
  ]);
  others.forEach(valueOf);
  return { ...record, libvirt: valueOf(libvirt) };
};

const valueOf = <T>(settled: PromiseSettledResult<T>): T => {
  if (settled.status === 'rejected') throw settled.reason;
  return settled.value;
};

const ensureImage = async ({ folders, stages }: CommandContext, port: number): Promise<void> => {
  const image = await stages.run('guest image', async (stage) => {
    const built = await buildGuestImage(join(folders.root, '.cache'));
    stage.outcome(`${(built.sizeBytes / 2 ** 20).toFixed(0)} MiB, ${built.path}`);
    return built;
  });
  await stages.run('image server', (stage) => ensureImageServer({ folders, port, stage, imagePath: image.path }));
};

const prepareLibvirt = async (
  { folders, stages }: CommandContext,
  record: DemoRecord,
  stage: Stage,
): Promise<NonNullable<DemoRecord['libvirt']>> => {
  await using connection = await ensureLibvirt(folders);
  const isOwn = await isOwnLibvirtd(folders);
  stage.outcome(isOwn ? 'started, there was none' : 'the host’s own');
  if (!isOwn && (await isKvmUseless()))
    stages.note('this libvirtd sees a /dev/kvm that does not work, and may take half a minute for each new guest');
  if (record.libvirt) return record.libvirt;
  const libvirt = await chooseNetwork(connection, folders);
  // Before the agent makes them.
  await writeRecord(folders, { ...record, libvirt });
  return libvirt;
};

const chooseNetwork = async (
  connection: Connection,
  { hostStateDir, tag }: Folders,
): Promise<NonNullable<DemoRecord['libvirt']>> => {
  // Of a demo whose folder somebody has removed.
  await removeFromLibvirt(connection, hostStateDir, undefined);
  const names = { preferred: 'ecompute-demo', otherwise: `ecompute-demo-${tag}` };
  const { name, subnets } = await surveyLibvirt(connection, names);
  const cidr = chooseSubnet([...parseRoutes(await readFile('/proc/net/route', 'utf8')), ...subnets]);
  if (cidr === undefined)
    throw new Error('could not choose addresses for the guests: this machine has routes to all that the demo knows');
  return { name, cidr };
};

/** JSON, which is YAML too. */
const renderScheduleConfig = ({ ports }: DemoRecord): string => {
  const config = {
    etcd: { host: '127.0.0.1', port: ports.etcd },
    placement: { endpoint: `http://127.0.0.1:${ports.placement}` },
    image: imageUrl(ports.images),
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
};

const renderResult = (folders: Folders, instance: Instance, consoleLines: readonly string[]): string => {
  const { name, host, hostName, addresses } = instance;
  const address = addresses[0]?.address;
  const command = typedWrapper(folders);
  const demo = `npm run demo --${folders.dir === join(folders.root, '.demo') ? '' : ` --dir ${folders.dir}`}`;
  return [
    '',
    'The guest’s console ends with',
    ...consoleLines.map((line) => `  | ${line}`),
    '',
    `instance  ${name} (${instance.instance})`,
    `host      ${hostName} (${host})`,
    `address   ${address ?? 'none'}`,
    '',
    'Try next',
    `  ${command} list`,
    `  ${command} show ${name}`,
    `  ${command} destroy ${name} --wait`,
    '',
    ...(address === undefined ? [] : [`  ping -c 3 ${address}`]),
    `  ${demo} down`,
    '',
    '',
  ].join('\n');
};

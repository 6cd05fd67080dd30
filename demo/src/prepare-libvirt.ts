import { readFile } from 'node:fs/promises';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { CommandContext } from './command.js';
import type { Folders } from './folders.js';
import { removeFromLibvirt, surveyLibvirt } from './leftovers.js';
import { ensureLibvirt, ensureLogDaemon, isKvmUseless, isOwnLibvirtd } from './libvirtd.js';
import { writeRecord } from './record.js';
import type { DemoRecord } from './record.js';
import type { Stage } from './stages.js';
import { chooseSubnet, parseRoutes } from './subnet.js';

/** A libvirtd that runs, and in the record the names and addresses that the demo uses in it. */
export const prepareLibvirt = async (
  { folders, stages }: Pick<CommandContext, 'folders' | 'stages'>,
  record: DemoRecord,
  stage: Stage,
): Promise<DemoRecord> => {
  const wasOwn = await isOwnLibvirtd(folders);
  await using connection = await ensureLibvirt(folders);
  await ensureLogDaemon(folders);
  const isOwn = await isOwnLibvirtd(folders);
  if (isOwn) stage.outcome(wasOwn ? 'runs, started by the demo' : 'started, there was none');
  else stage.outcome('the host’s own');
  if (!isOwn && (await isKvmUseless()))
    stages.note('this libvirtd sees a /dev/kvm that does not work, and may take half a minute for each new guest');
  if (record.libvirt) return record;
  const prepared = { ...record, libvirt: await chooseNetwork(connection, folders) };
  // Before the agent makes them.
  await writeRecord(folders, prepared);
  return prepared;
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

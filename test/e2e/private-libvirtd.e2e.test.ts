/** That a private libvirtd can fail without its guests, and leaves nothing of itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { connect } from '@etcd-compute/libvirt/connection';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { expect, test } from 'vitest';

/** A machine without a disk, which its BIOS keeps running. */
const emptyMachine = (uuid: string): string =>
  renderDomain({
    uuid,
    name: uuid,
    type: 'qemu',
    arch: 'x86_64',
    machine: 'pc',
    vcpus: 1,
    memoryMiB: 32,
    disks: [],
    interfaces: [],
  });

/** The command lines of all processes of this machine that mention the text. */
async function findProcesses(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return commands.filter((command) => command.includes(text));
}

test('a private libvirtd dies and comes back while its guests run on, and two of them do not see each other', async () => {
  await using dirs = await makeTempDir('plv');
  await using first = await startLibvirtd({ dir: `${dirs.path}/1` });
  await using second = await startLibvirtd({ dir: `${dirs.path}/2` });
  const uuid = randomUUID();
  const before = await connect(first.uri);
  await before.domainCreateXML(emptyMachine(uuid));
  await before.close();
  await first.kill('SIGKILL');
  expect(await findProcesses(`guest=${uuid}`)).toHaveLength(1);
  await first.restart();
  const after = await connect(first.uri);
  expect(await (await after.domainLookupByUUID(uuid)).isActive()).toBe(true);
  await after.close();
  const other = await connect(second.uri);
  expect(await other.listAllDomains()).toEqual([]);
  await other.close();
  await first.stop();
  expect(await findProcesses(`guest=${uuid}`)).toEqual([]);
});

test('a private libvirtd and its guests die with the process that started them, even when that one gets SIGKILL', async () => {
  await using dir = await makeTempDir('plv');
  const uuid = randomUUID();
  const program = `
    import { connect } from '@etcd-compute/libvirt/connection';
    import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';
    const daemon = await startLibvirtd({ dir: ${JSON.stringify(dir.path)} });
    await (await connect(daemon.uri)).domainCreateXML(${JSON.stringify(emptyMachine(uuid))});
    console.log('up');
    setInterval(() => undefined, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(parent.stdout, 'data');
    expect(await findProcesses(`guest=${uuid}`)).toHaveLength(1);
  } finally {
    parent.kill('SIGKILL');
  }
  await waitFor(
    async () => (await findProcesses(dir.path)).length === 0 && (await findProcesses(`guest=${uuid}`)).length === 0,
    {
      what: 'libvirtd and its guest to die with their parent',
      onTimeout: async () => (await findProcesses(`guest=${uuid}`)).join('\n'),
    },
  );
});

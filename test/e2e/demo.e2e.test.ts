import { createHash } from 'node:crypto';
import { appendFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { HIDE_UNUSABLE_KVM } from '@etcd-compute/testing/libvirt-daemon';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { beforeAll, describe, expect, it } from 'vitest';
import { startMachine } from './machine.js';
import type { Machine } from './machine.js';

/** `npm run demo` of this clone, each on a machine of its own, so that nothing of it can hide among what runs here. */

const ROOT = join(import.meta.dirname, '../..');
const PROGRAM = join(ROOT, 'demo/dist/demo.js');

interface DemoMachine extends AsyncDisposable {
  readonly machine: Machine;
  readonly demoDir: string;
  /** Runs a demo command. @returns what it wrote to standard output. */
  demo(...args: string[]): Promise<string>;
  argv(...args: string[]): readonly string[];
  listInstances(): Promise<{ instance: string; state: string; addresses: { address: string }[] }[]>;
}

/** @param mode of the folder above the demo's. */
const makeDemoMachine = async (mode = 0o755): Promise<DemoMachine> => {
  const temp = await makeTempDir('demo');
  const machine = await startMachine(join(temp.path, 'machine'));
  const home = join(temp.path, 'home');
  await mkdir(home, { mode });
  const demoDir = join(home, 'state');
  const argv = (...args: string[]): readonly string[] => [process.execPath, PROGRAM, '--dir', demoDir, ...args];
  return {
    machine,
    demoDir,
    argv,
    demo: async (...args) => (await machine.run(argv(...args), { timeoutMs: 200_000 })).stdout,
    listInstances: async () => {
      const { stdout } = await machine.run([join(demoDir, 'eschedule'), 'list', '-o', 'json']);
      const instances: Awaited<ReturnType<DemoMachine['listInstances']>> = JSON.parse(stdout);
      return instances;
    },
    [Symbol.asyncDispose]: async () => {
      await machine[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
};

const exists = async (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Where the guests' user can reach their disks, when only root may enter a folder above the demo's. */
const folderElsewhere = (demoDir: string): string =>
  `/var/tmp/etcd-compute-demo-${createHash('sha256').update(demoDir).digest('hex').slice(0, 8)}`;

/** Everything that a demo could leave behind on a machine. */
const survey = async ({ machine, demoDir }: DemoMachine): Promise<object> => {
  const files = await readdir(join(machine.dir, 'etc'), { recursive: true });
  const { stdout: links } = await machine.run(['ip', '-br', 'link']);
  const { stdout: tables } = await machine.run(['nft', 'list', 'tables']);
  const disks = await readdir(join(machine.dir, 'lib'), { recursive: true });
  return {
    processes: await machine.listProcesses(),
    definitions: files.filter((name) => name.endsWith('.xml')),
    autostart: files.filter((name) => name.includes('autostart/')),
    links: links.split('\n').map((line) => line.split(/[\s@]/)[0]),
    tables: tables.split('\n').filter((line) => line.includes('ecompute')),
    disks: disks.filter((name) => name.endsWith('.img')),
    consoles: (await readdir(join(machine.dir, 'log'), { recursive: true })).filter((name) => name.endsWith('.log')),
    networks: (await readdir(join(machine.dir, 'run/libvirt/network')).catch(() => [])).filter((name) =>
      name.startsWith('ecompute'),
    ),
    hasFolder: await exists(demoDir),
    hasFolderElsewhere: await exists(folderElsewhere(demoDir)),
  };
};

/** The commands that a demo ends with. */
const commandsOf = (output: string): string[] =>
  output
    .slice(output.indexOf('Try next'))
    .split('\n')
    .filter((line) => line.startsWith('  '))
    .map((line) => line.trim());

const addressOf = (output: string): string => /^address +(\S+)$/m.exec(output)?.[1] ?? 'none printed';

describe('npm run demo', () => {
  beforeAll(async () => {
    // A machine of its own has no way to a mirror of packages.
    await buildGuestImage(join(ROOT, '.cache'));
  });

  it.each(['etcd', 'openstack'])(
    'boots a guest that answers, prints commands that work, and leaves nothing after down: placement %s',
    async (placement) => {
      await using here = await makeDemoMachine();
      const before = await survey(here);
      const output = await here.demo('--placement', placement);
      expect(output).toContain(`| guest: hostname=`);
      expect(output).toContain(`address=eth0 ${addressOf(output)}/24`);

      const [list = '', show = '', destroy = '', ping = '', ...more] = commandsOf(output);
      const [upload = '', create = '', listServers = '', down = ''] = more;
      const type = async (command: string): Promise<string> =>
        (await here.machine.run(['sh', '-c', `cd '${ROOT}' && ${command}`], { timeoutMs: 120_000 })).stdout;
      expect(await type(list)).toContain(addressOf(output));
      expect(await type(show)).toMatch(/^state: +active$/m);
      expect(await type(ping)).toContain(' 0% packet loss');
      await type(upload);
      expect(await type(create)).toContain('ACTIVE');
      expect(await type(listServers)).toMatch(/\| web +\| ACTIVE \| ecompute-demo.*=/);
      await type(destroy);
      expect(await here.listInstances()).toEqual([]);
      expect(down).toMatch(/^npm run demo -- .*down$/);
      await type(down);
      expect(await survey(here)).toEqual(before);
    },
  );

  it('finds its guest again the second time, also when all but the guest has died, and boots another when it was destroyed', async () => {
    await using here = await makeDemoMachine();
    await here.demo();
    const [first] = await here.listInstances();
    await here.demo();
    expect(await here.listInstances()).toMatchObject([{ instance: first?.instance, state: 'active' }]);

    await here.machine.run(['pkill', '-KILL', '-x', 'etcd|uwsgi|node|MainThread|libvirtd|virtlogd']);
    const output = await here.demo();
    expect(await here.listInstances()).toMatchObject([{ instance: first?.instance, state: 'active' }]);
    await here.machine.run(['ping', '-c', '1', '-W', '5', addressOf(output)]);

    await here.machine.run([join(here.demoDir, 'eschedule'), 'destroy', 'demo', '--wait']);
    await here.demo();
    const [second] = await here.listInstances();
    expect(second).toMatchObject({ state: 'active' });
    expect(second?.instance).not.toBe(first?.instance);
  });

  it.each(['etcd  ', 'libvirt  ', 'ecompute  '])(
    'leaves nothing after down when it was killed after the stage %s',
    async (line) => {
      await using here = await makeDemoMachine();
      const before = await survey(here);
      const running = here.machine.start(here.argv());
      await running.waitForOutput(line);
      await running.killAlone();
      await here.demo('down');
      expect(await survey(here)).toEqual(before);
    },
  );

  it('leaves nothing after down when it was killed and somebody has removed its folder', async () => {
    await using here = await makeDemoMachine();
    const before = await survey(here);
    const running = here.machine.start(here.argv());
    await running.waitForOutput('ecompute  ');
    await running.killAlone();
    await rm(here.demoDir, { recursive: true });
    await here.demo('down');
    expect(await survey(here)).toEqual(before);
  });

  it('begins anew when it was killed while its guest was built', async () => {
    await using here = await makeDemoMachine();
    const running = here.machine.start(here.argv());
    await running.waitForOutput('ecompute  ');
    const agentLog = join(here.demoDir, 'ecompute.log');
    await waitFor(async () => (await here.machine.run(['cat', agentLog])).stdout.includes('instance claimed'), {
      what: 'the agent to claim the instance',
    });
    await running.killAlone();
    await here.demo();
    expect(await here.listInstances()).toMatchObject([{ state: 'active' }]);
  });

  it('boots a new guest after the machine was booted, and leaves nothing when it was booted again', async () => {
    await using here = await makeDemoMachine();
    const before = await survey(here);
    await here.demo();
    await here.machine.reboot();
    const output = await here.demo();
    expect(await here.listInstances()).toMatchObject([{ state: 'active' }]);
    await here.machine.run(['ping', '-c', '1', '-W', '5', addressOf(output)]);
    await here.machine.reboot();
    await here.demo('down');
    expect(await survey(here)).toEqual(before);
  });

  it('uses a libvirtd that is there, with its own network left alone, and leaves it running', async () => {
    await using here = await makeDemoMachine(0o700);
    const { machine } = here;
    await appendFile(join(machine.dir, 'etc', 'qemu.conf'), '\nnamespaces = []\n');
    // Without virtlogd, as when somebody starts it by hand.
    await machine.run(['bash', '-c', `${HIDE_UNUSABLE_KVM}\nlibvirtd -d`]);
    const network = join(machine.dir, 'network.xml');
    await appendFile(
      network,
      '<network><name>ecompute-demo</name><bridge name="hosts"/><ip address="10.46.0.1" prefix="20"/></network>',
    );
    await machine.run(['virsh', '-c', 'qemu:///system', 'net-define', network]);
    await machine.run(['virsh', '-c', 'qemu:///system', 'net-start', 'ecompute-demo']);
    const before = await survey(here);
    const output = await here.demo();
    expect(addressOf(output)).toMatch(/^10\.46\.16\./);
    expect(await exists(folderElsewhere(here.demoDir))).toBe(true);
    await here.demo('down');
    expect(await survey(here)).toEqual(before);
  });

  it('refuses a folder that holds something else', async () => {
    await using here = await makeDemoMachine();
    await expect(here.machine.run([process.execPath, PROGRAM, '--dir', ROOT, 'down'])).rejects.toThrow(
      `could not use ${ROOT}: it holds files that are not the demo's`,
    );
    expect(await readdir(ROOT)).toContain('package.json');
  });
});

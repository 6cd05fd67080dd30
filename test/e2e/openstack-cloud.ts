import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eapiProgram, startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import { startEcompute, type Ecompute } from '@etcd-compute/testing/ecompute';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { openOpenstackSession, type OpenstackSession } from './openstack-session.js';

/** OpenStack's own tools, as the admin uses them. */
export interface OpenstackTools extends AsyncDisposable {
  /** Runs a line of a shell as the admin, in a folder that has `disk.raw`. @returns what it prints. */
  readonly sh: (line: string) => Promise<string>;
  /** Types a command to an `openstack` that waits for commands. @returns what it says. */
  readonly type: OpenstackSession['type'];
  /** The same with `-f json`, parsed. @throws Error that has what the client says, when that is something else. */
  readonly ask: (line: string) => Promise<any>; // eslint-disable-line typescript/no-explicit-any -- tests say what they look for
}

/** A cloud as its users have it: etcd, an agent on libvirt's test driver, and `eapi` with an admin. */
export interface OpenstackCloud extends OpenstackTools {
  readonly agent: Ecompute;
  readonly eapi: EapiServer;
}

/** Makes the admin, and `disk.raw` for him: the smallest disk that is one. */
export const openTools = async (eapi: EapiServer): Promise<OpenstackTools> => {
  const clouds = join(eapi.dir, 'clouds.yaml');
  await runCommand([process.execPath, eapiProgram, 'bootstrap', '--config', eapi.configPath, '--clouds', clouds]);
  const disk = Buffer.alloc(512);
  disk.set([0x55, 0xaa], 510);
  await writeFile(join(eapi.dir, 'disk.raw'), disk);
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('OS_'));
  const env = { ...Object.fromEntries(others), OS_CLIENT_CONFIG_FILE: clouds, OS_CLOUD: 'admin' };
  const sh: OpenstackTools['sh'] = async (line) =>
    (await runCommand(['bash', '-c', line], { env, cwd: eapi.dir, timeoutMs: 120_000 })).stdout;
  const { type, [Symbol.asyncDispose]: dispose } = openOpenstackSession({ env, cwd: eapi.dir });
  return {
    sh,
    type,
    ask: async (line) => parseSaid(await type(`${line} -f json`), line),
    [Symbol.asyncDispose]: dispose,
  };
};

/** @param config of `eapi.yaml`, beside what tests need. */
export const startOpenstackCloud = async (config: Readonly<Record<string, unknown>> = {}): Promise<OpenstackCloud> => {
  const etcd = await startEtcd();
  const [agent, eapi] = await Promise.all([
    startEcompute({ etcd, placement: 'etcd', config: { network: { cidr: '10.45.0.0/24' } } }),
    startEapi({ etcd, config }),
  ]);
  const tools = await openTools(eapi);
  return {
    agent,
    eapi,
    ...tools,
    [Symbol.asyncDispose]: async () => {
      await tools[Symbol.asyncDispose]();
      await eapi.stop();
      await agent.stop();
      await etcd.stop();
    },
  };
};

/** What comes before JSON is a warning. */
const parseSaid = (said: string, line: string): unknown => {
  try {
    return JSON.parse(said.slice(Math.max(said.search(/^[[{]/m), 0)));
  } catch (cause) {
    throw new Error(`openstack ${line}: ${said}`, { cause });
  }
};

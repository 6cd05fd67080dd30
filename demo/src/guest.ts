import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { eschedule, listInstances, showInstance, typedWrapper } from './eschedule.js';
import type { Instance } from './eschedule.js';
import type { Folders } from './folders.js';
import type { Stage } from './stages.js';

const NAME = 'demo';
const BOOT = ['boot', '--name', NAME, '--memory', '128M'];

/** The instance named `demo`: the one that runs, else a new one in place of what is left of an old one. */
export const ensureGuest = async (folders: Folders, stage: Stage): Promise<Instance> => {
  const existing = await findSettled(folders);
  if (existing?.state === 'active') {
    stage.outcome('runs');
    return existing;
  }
  if (existing) await eschedule(folders, ['destroy', existing.instance, '--wait']);
  await eschedule(folders, BOOT);
  stage.outcome(`${typedWrapper(folders)} ${BOOT.join(' ')}`);
  return showInstance(folders, NAME);
};

/** What a command that was killed has left under way is waited for: it may become the guest that is wanted. */
const findSettled = async (folders: Folders): Promise<Instance | undefined> => {
  const look = async (): Promise<{ instance: Instance | undefined } | undefined> => {
    const instance = (await listInstances(folders)).find(({ name }) => name === NAME);
    return instance && ['scheduled', 'building', 'deleting'].includes(instance.state) ? undefined : { instance };
  };
  const { instance } = await waitFor(look, {
    what: `instance '${NAME}' to be built or deleted`,
    timeoutMs: 180_000,
    intervalMs: 200,
  });
  return instance;
};

/** The last lines of what the guest has said on its serial console, once it has said its address. */
export const readConsole = async (hostStateDir: string, { instance, addresses }: Instance): Promise<string[]> => {
  const path = join(hostStateDir, 'consoles', `${instance}.log`);
  const [first] = addresses;
  const text = await waitFor(
    async () => {
      const said = stripVTControlCharacters(await readFile(path, 'utf8'));
      return (first === undefined || said.includes(first.address)) && said;
    },
    { what: `the guest to say its address on its console (${path})`, timeoutMs: 30_000 },
  );
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').slice(-5);
};

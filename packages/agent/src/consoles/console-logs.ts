import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';

/**
 * What guests say on their serial consoles, kept by the hypervisor in a folder of ours: `<instance>.log`, and what virtlogd has
 * moved aside when that grew, `<instance>.log.0` and so on.
 */
export const consoleLog = (folder: string, instance: InstanceUuid): string => join(folder, `${instance}.log`);

/** The instance of a file of ours; undefined for other files, and for a uuid in another spelling than ours. */
const instanceOf = (fileName: string): InstanceUuid | undefined => {
  const [, text] = /^(.{36})\.log(?:\.\d+)?$/.exec(fileName) ?? [];
  const instance = instanceUuidSchema.safeParse(text).data;
  return instance === text ? instance : undefined;
};

const listFiles = async (folder: string): Promise<string[]> => {
  try {
    return await readdir(folder);
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return []; // somebody tidied up
    throw err;
  }
};

/** Instances that have console logs. */
export const listConsoleLogs = async (folder: string): Promise<InstanceUuid[]> => [
  ...new Set((await listFiles(folder)).flatMap((name) => instanceOf(name) ?? [])),
];

/** Paths of the files of one instance's log, the oldest first. */
export const listConsoleFiles = async (folder: string, instance: InstanceUuid): Promise<string[]> => {
  const names = (await listFiles(folder)).filter((name) => instanceOf(name) === instance);
  const ageOf = (name: string): number => Number(/\.log\.(\d+)$/.exec(name)?.[1] ?? '-1');
  return names.toSorted((a, b) => ageOf(b) - ageOf(a)).map((name) => join(folder, name));
};

/** Removes the console logs of an instance; repeatable. */
export const removeConsoleLogs = async (folder: string, instance: InstanceUuid): Promise<void> => {
  for (const name of await listFiles(folder))
    if (instanceOf(name) === instance) await rm(join(folder, name), { force: true });
};

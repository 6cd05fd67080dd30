import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { instanceOfFile, listFolder } from '../state-folder/instance-files.js';

/*
 * What guests say on their serial consoles, kept by the hypervisor in a folder of ours: `<instance>.log`, and what virtlogd has
 * moved aside when that grew, `<instance>.log.0` and so on.
 */

export const consoleLog = (folder: string, instance: InstanceUuid): string => join(folder, `${instance}.log`);

const instanceOf = (name: string): InstanceUuid | undefined => instanceOfFile(name, /^(.{36})\.log(?:\.\d+)?$/);

/** Instances that have console logs. */
export const listConsoleLogs = async (folder: string): Promise<InstanceUuid[]> => [
  ...new Set((await listFolder(folder)).flatMap((name) => instanceOf(name) ?? [])),
];

/** Paths of the files of one instance's log, the oldest first. */
export const listConsoleFiles = async (folder: string, instance: InstanceUuid): Promise<string[]> => {
  const names = (await listFolder(folder)).filter((name) => instanceOf(name) === instance);
  const ageOf = (name: string): number => Number(/\.log\.(\d+)$/.exec(name)?.[1] ?? '-1');
  return names.toSorted((a, b) => ageOf(b) - ageOf(a)).map((name) => join(folder, name));
};

/** Removes the console logs of an instance; repeatable. */
export const removeConsoleLogs = async (folder: string, instance: InstanceUuid): Promise<void> => {
  for (const name of await listFolder(folder))
    if (instanceOf(name) === instance) await rm(join(folder, name), { force: true });
};

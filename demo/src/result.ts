import { join } from 'node:path';
import { quote, typedWrapper } from './eschedule.js';
import type { Instance } from './eschedule.js';
import type { Folders } from './folders.js';

/** What a person wants to see in the end: that the guest is there, and what to do with it. The commands work as they are printed. */
export const renderResult = (folders: Folders, instance: Instance, consoleLines: readonly string[]): string => {
  const { name, host, hostName, addresses } = instance;
  const address = addresses[0]?.address;
  const command = typedWrapper(folders);
  const isUsual = folders.dir === join(folders.root, '.demo');
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
    `  npm run demo -- ${isUsual ? '' : `--dir ${quote(folders.dir)} `}down`,
    '',
    '',
  ].join('\n');
};

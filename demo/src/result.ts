import { join } from 'node:path';
import { bytesToMiB } from '@etcd-compute/common/units';
import { typedOpenstack } from './api.js';
import { quote, typedPath, typedWrapper } from './eschedule.js';
import type { Instance } from './eschedule.js';
import type { Folders } from './folders.js';

export interface Result {
  readonly instance: Instance;
  /** The last ones. */
  readonly consoleLines: readonly string[];
  /** Of the servers. */
  readonly memory: readonly { readonly name: string; readonly bytes: number }[];
  /** The file of the guest image. */
  readonly imagePath: string;
  /** That guests are on. */
  readonly network: string;
}

/** What a person wants to see in the end: that the guest is there, and what to do with it. The commands work as they are printed. */
export const renderResult = (
  folders: Folders,
  { instance, consoleLines, memory, imagePath, network }: Result,
): string => {
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
    `memory    ${memory.map(({ name, bytes }) => `${name} ${bytesToMiB(bytes).toFixed(0)} MiB`).join(', ')}`,
    '',
    'Try next',
    `  ${command} list`,
    `  ${command} show ${name}`,
    `  ${command} destroy ${name} --wait`,
    '',
    ...(address === undefined ? [] : [`  ping -c 3 ${address}`]),
    '',
    'With OpenStack’s tools (Debian: python3-openstackclient)',
    ...[
      `image create --disk-format raw --container-format bare --file ${quote(typedPath(folders, imagePath))} guest`,
      `server create --image guest --flavor m1.tiny --network ${network} --wait web`,
      'server list',
    ].map((typed) => `  ${typedOpenstack(folders, typed)}`),
    '',
    `  npm run demo -- ${isUsual ? '' : `--dir ${quote(folders.dir)} `}down`,
    '',
    '',
  ].join('\n');
};

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';

/** The network's bridge, as `ip` (iproute2) shows and changes it. All in the network namespace of this process. */

export const METADATA_ADDRESS = '169.254.169.254';

const run = promisify(execFile);

const ip = async (...args: readonly string[]): Promise<string> => {
  const { stdout } = await run('ip', ['-json', ...args], {
    timeout: 10_000,
    maxBuffer: 16 * 1024 * 1024,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  return stdout;
};

/** Nothing at all means none, and some versions of `ip` print {} for what their filter leaves out. */
const listSchema = <T extends z.ZodType>(link: T) =>
  z
    .string()
    .transform((text): unknown => (text.trim() === '' ? [] : JSON.parse(text)))
    .pipe(z.array(z.unknown()))
    .transform((links) => links.filter((candidate) => JSON.stringify(candidate) !== '{}'))
    .pipe(z.array(link));

const linkSchema = z.object({ ifname: z.string(), ifindex: z.int() });

const bridgeSchema = linkSchema.extend({ addr_info: z.array(z.object({ local: z.string().optional() })) });

export interface Bridge {
  readonly name: string;
  /** Another number is another device, even of the same name. */
  readonly index: number;
  readonly addresses: readonly string[];
}

/** @returns undefined when there is no such device here. */
export const findBridge = async (name: string): Promise<Bridge | undefined> => {
  const links = listSchema(bridgeSchema).parse(await ip('address', 'show', 'type', 'bridge'));
  const link = links.find(({ ifname }) => ifname === name);
  if (!link) return undefined;
  return { name, index: link.ifindex, addresses: link.addr_info.flatMap(({ local }) => local ?? []) };
};

/** Repeatable. */
export const addMetadataAddress = async (bridge: string): Promise<void> => {
  // Of scope link: the host does not choose it as its own address when it talks to guests.
  await ip('address', 'replace', `${METADATA_ADDRESS}/32`, 'dev', bridge, 'scope', 'link');
};

/** @throws when it is not there. */
export const removeMetadataAddress = async (bridge: string): Promise<void> => {
  await ip('address', 'delete', `${METADATA_ADDRESS}/32`, 'dev', bridge);
};

export interface BridgePort {
  readonly name: string;
  readonly index: number;
}

/** Everything that is plugged into the bridge. */
export const listBridgePorts = async (bridge: string): Promise<BridgePort[]> => {
  const links = listSchema(linkSchema).parse(await ip('link', 'show', 'master', bridge));
  return links.map(({ ifname, ifindex }) => ({ name: ifname, index: ifindex }));
};

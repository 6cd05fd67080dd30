import { z } from 'zod';
import { runHostCommand } from './host-command.js';

/** Bridges and routes, as `ip` (iproute2) shows and changes them in the network namespace of this process. */

export const METADATA_ADDRESS = '169.254.169.254';

const ip = async (...args: readonly string[]): Promise<string> => runHostCommand(['ip', '-json', ...args]);

/** Nothing at all means none, and some versions of `ip` print {} for what their filter leaves out. */
const listSchema = <T extends z.ZodType>(item: T) =>
  z
    .string()
    .transform((text): unknown => (text.trim() === '' ? [] : JSON.parse(text)))
    .pipe(z.array(z.unknown()))
    .transform((items) => items.filter((candidate) => JSON.stringify(candidate) !== '{}'))
    .pipe(z.array(item));

const bridgeSchema = z.object({
  ifname: z.string(),
  ifindex: z.int(),
  addr_info: z.array(z.object({ local: z.string().optional() })),
});

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

const routeSchema = z.object({
  dst: z.string(),
  dev: z.string().optional(),
  type: z.string().default('unicast'),
  gateway: z.string().optional(),
  via: z.unknown().optional(),
  nexthops: z.unknown().optional(),
});

export interface AttachedNetwork {
  /** An address, or a network as CIDR. */
  readonly cidr: string;
  readonly device: string;
}

/** The networks that the main routing table reaches without a router. */
export const listAttachedNetworks = async (): Promise<AttachedNetwork[]> => {
  const texts = await Promise.all(['-4', '-6'].map(async (family) => ip(family, 'route', 'show', 'table', 'main')));
  return texts
    .flatMap((text) => listSchema(routeSchema).parse(text))
    .filter(
      ({ type, gateway, via, nexthops }) =>
        type === 'unicast' && [gateway, via, nexthops].every((x) => x === undefined),
    )
    .flatMap(({ dst, dev }) => (dev === undefined || dst === 'default' ? [] : [{ cidr: dst, device: dev }]));
};

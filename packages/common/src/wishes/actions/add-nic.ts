import { z } from 'zod';
import { EcomputeError } from '../../errors.js';
import { MAX_NICS, networkNameSchema, type WantedNic } from '../../etcd/messages/nics.js';
import { UNBUILT, type ActionKind, type Asked } from '../kind.js';

export const nicArgs = z.object({ network: networkNameSchema });

/** What a request says of interfaces: not what was found out about them. */
export const wantedNicsOf = (nics: readonly WantedNic[]): WantedNic[] =>
  nics.map(({ slot, network }) => ({ slot, network }));

const lowestFreeSlot = (nics: readonly WantedNic[]): number => {
  const taken = new Set(nics.map(({ slot }) => slot));
  return Array.from({ length: nics.length + 1 }, (_, slot) => slot).find((slot) => !taken.has(slot)) ?? nics.length;
};

const refuse = ({ request: { instance } }: Asked, message: string, hint: string): never => {
  throw new EcomputeError('ECOMPUTE_WISH_REFUSED', `instance ${instance} ${message}`, { details: { instance }, hint });
};

/** An interface more, of a guest that runs or is off. */
export const addNic = {
  type: 'action',
  participle: 'connected to a network',
  args: nicArgs,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'as-before',
  subject: null,
  example: { network: 'backup' },
  edit: (request, given, { nics }) => {
    const { network } = nicArgs.parse(given);
    return { ...request, nics: [...wantedNicsOf(nics), { slot: lowestFreeSlot(nics), network }] };
  },
  isNeeded: (asked) => {
    const { network } = nicArgs.parse(asked.args);
    const { nics, networks } = asked;
    if (nics?.some((nic) => nic.network === network))
      refuse(asked, `is on the network '${network}' already`, 'an instance has one interface on a network');
    if (networks && !networks.includes(network))
      refuse(asked, `cannot be on the network '${network}'`, `its host has ${networks.join(', ')}`);
    if (nics && nics.length >= MAX_NICS)
      refuse(asked, `has ${nics.length} interfaces, and cannot have more`, 'remove one first');
    return true;
  },
} as const satisfies ActionKind;

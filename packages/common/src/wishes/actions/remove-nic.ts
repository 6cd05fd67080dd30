import { EcomputeError } from '../../errors.js';
import { UNBUILT, type ActionKind } from '../kind.js';
import { nicArgs, wantedNicsOf } from './add-nic.js';

/** One of its interfaces; the address is given back. */
export const removeNic = {
  type: 'action',
  participle: 'disconnected from a network',
  args: nicArgs,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'as-before',
  subject: null,
  example: { network: 'storage' },
  edit: (request, given, { nics }) => {
    const { network } = nicArgs.parse(given);
    return { ...request, nics: wantedNicsOf(nics.filter((nic) => nic.network !== network)) };
  },
  isNeeded: ({ request: { instance }, args: given, nics }) => {
    const { network } = nicArgs.parse(given);
    if (nics === null || (nics.length > 1 && nics.some((nic) => nic.network === network))) return true;
    const names = nics.map((nic) => nic.network).join(', ');
    throw nics.some((nic) => nic.network === network)
      ? new EcomputeError('ECOMPUTE_WISH_REFUSED', `'${network}' is the only network of instance ${instance}`, {
          details: { instance },
          hint: 'connect it to another one first',
        })
      : new EcomputeError('ECOMPUTE_WISH_REFUSED', `instance ${instance} is not on the network '${network}'`, {
          details: { instance },
          hint: `it is on ${names}`,
        });
  },
} as const satisfies ActionKind;

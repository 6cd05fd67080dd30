import { badRequest } from '../../http/http-error.js';
import type { NetworkView } from './networks.js';

/** An entry of `networks` of who creates a server. */
export interface AskedNetwork {
  readonly uuid?: string | undefined;
  readonly port?: string | undefined;
  readonly fixed_ip?: string | undefined;
}

/**
 * What `cloud.boot` calls the networks that a new server asks for.
 *
 * @throws HttpError 400: Nova's answer to a network that is not there.
 */
export const networkNames = (view: NetworkView, asked: readonly AskedNetwork[]): string[] => {
  const names = asked.map(({ uuid, port, fixed_ip }) => {
    if (port !== undefined)
      throw badRequest(`Port ${port} could not be used: ports come and go with their servers; ask for a network.`);
    if (uuid === undefined) throw badRequest('Bad networks format: each needs the uuid of a network.');
    const network = view.get(uuid.toLowerCase());
    if (!network) throw badRequest(`Network ${uuid} could not be found.`);
    if (fixed_ip !== undefined)
      throw badRequest(
        `Fixed IP ${fixed_ip} could not be used: the host that a server comes to chooses its addresses.`,
      );
    return network.name;
  });
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (twice !== undefined)
    throw badRequest(`Duplicate networks are not possible: a server has one interface on ${twice}.`);
  return names;
};

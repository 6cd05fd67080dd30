import { lookup as resolve, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import { EcomputeError } from '../errors.js';
import ipaddr from 'ipaddr.js';
import { isInNetwork, parseNetwork } from '../cidr.js';

/**
 * Which servers may be asked for images. Whoever may boot an instance chooses the URL, and the agent that asks stands inside: what
 * only it can reach (its own services, a cloud's metadata, the neighbours) is refused unless the config allows it. Addresses are
 * judged when a connection is made to them, so a name that changes its address in between gains nothing.
 *
 * Where a proxy is used, it is the proxy that resolves names; addresses in URLs are judged here all the same.
 */
export interface UrlPolicy {
  /** @throws ECOMPUTE_IMAGE_URL_REFUSED */
  readonly check: (text: string) => URL;
  /** Resolves names for connections to the URL's host. */
  readonly lookupFor: (url: URL) => LookupFunction;
}

const HINT = 'expected an http or https URL, such as https://example.org/debian.qcow2';

const refused = (text: string, reason: string, hint = HINT): EcomputeError =>
  new EcomputeError('ECOMPUTE_IMAGE_URL_REFUSED', `could not use the image URL ${JSON.stringify(text)}${reason}`, {
    hint,
  });

/** @throws ECOMPUTE_IMAGE_URL_REFUSED unless it is an http or https URL with a host and without a password. */
export const checkImageUrl = (text: string): URL => {
  if (!URL.canParse(text)) throw refused(text, '');
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    url.username = '';
    url.password = '';
    throw refused(
      url.href,
      ': it was given with a user or a password, which everyone would see',
      'put them into images.netrc_file of the hosts',
    );
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') throw refused(text, '');
  return url;
};

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1');

/** Only what the whole internet reaches: not loopback, link-local, private, multicast, or a wrapping of those in IPv6. */
const isPublic = (address: string): boolean => ipaddr.process(address).range() === 'unicast';

/** @param allowPrivate addresses, networks and names of hosts. */
export const createUrlPolicy = (allowPrivate: readonly string[]): UrlPolicy => {
  const isNumeric = (text: string): boolean => ipaddr.isValid(text) || ipaddr.isValidCIDR(text);
  const networks = allowPrivate.filter(isNumeric).map(parseNetwork);
  const names = new Set(allowPrivate.filter((text) => !isNumeric(text)));

  const mayAsk = (text: string): boolean => {
    const address = ipaddr.process(text);
    return isPublic(text) || networks.some((network) => isInNetwork(address, network));
  };
  const notAllowed = (url: URL, addresses: readonly string[]): EcomputeError =>
    refused(
      url.href,
      `: ${hostOf(url)} is at an address that images may not come from${ipaddr.isValid(hostOf(url)) ? '' : ` (${addresses.join(', ')})`}`,
      'use a public server, or add this one to images.allow_private of the hosts',
    );

  return {
    check: (text) => {
      const url = checkImageUrl(text);
      const host = hostOf(url);
      // Nothing is resolved for an address, so `lookupFor` would never see it.
      if (ipaddr.isValid(host) && !mayAsk(host)) throw notAllowed(url, [host]);
      return url;
    },
    lookupFor: (url) => (hostname, options, callback) => {
      resolve(hostname, { ...options, all: true }, (err, found) => {
        if (err) return callback(err, []);
        // Another name than the URL's is a proxy's, which the operator chose.
        const isChosenByOperator = hostname !== hostOf(url) || names.has(hostname);
        const allowed = isChosenByOperator ? found : found.filter(({ address }) => mayAsk(address));
        const [first] = allowed;
        if (!first) return callback(notAllowed(url, addressesOf(found)), []);
        return options.all === true ? callback(null, allowed) : callback(null, first.address, first.family);
      });
    },
  };
};

const addressesOf = (found: readonly LookupAddress[]): string[] => found.map(({ address }) => address);

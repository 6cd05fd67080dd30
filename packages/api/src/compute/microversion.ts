import type { ApiRequest } from '../http/route.js';
import { HttpError, badRequest } from '../http/http-error.js';

/*
 * Which version of the API a request asks for. All are 2.X, so a version is its X. A request that asks for none gets 2.1.
 * https://docs.openstack.org/api-guide/compute/microversions.html
 */

export const MIN_MINOR = 1;
/** Up to this version, answers are exactly as they are there. */
export const MAX_MINOR = 73;

const OWN_HEADER = 'x-openstack-nova-api-version';
const COMMON_HEADER = 'openstack-api-version';

export const formatVersion = (minor: number): string => `2.${minor}`;

/** @throws HttpError 400, or 406 for a version that there is not. */
export const readMinor = ({ header, url }: Pick<ApiRequest, 'header' | 'url'>): number => {
  // The API of before there were versions.
  if (isLegacy(url)) return MIN_MINOR;
  const asked = readCommon(header(COMMON_HEADER)) ?? header(OWN_HEADER)?.trim();
  if (asked === undefined) return MIN_MINOR;
  if (asked === 'latest') return MAX_MINOR;
  const [, major = '', minor = ''] = /^([1-9]\d{0,3})\.(0|[1-9]\d{0,3})$/.exec(asked) ?? [];
  if (major === '') throw badRequest('The version that is asked for is not of the form MAJOR.MINOR, such as 2.1.');
  const wanted = Number(minor);
  if (major !== '2' || wanted < MIN_MINOR || wanted > MAX_MINOR)
    throw new HttpError(
      406,
      `Version ${asked} is not supported by the API. Minimum is ${formatVersion(MIN_MINOR)} and maximum is ${formatVersion(MAX_MINOR)}.`,
    );
  return wanted;
};

/** What an answer tells of its version. */
export const versionHeaders = (request: Pick<ApiRequest, 'header' | 'url'>): Readonly<Record<string, string>> => {
  const version = formatVersion(readMinor(request));
  if (isLegacy(request.url)) return {};
  return {
    [OWN_HEADER]: version,
    [COMMON_HEADER]: `compute ${version}`,
    vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
  };
};

const isLegacy = (url: string): boolean => /^\/compute\/v2(?:[/?]|$)/.test(url);

/** The header names services: `compute 2.26`, and others beside it. */
const readCommon = (text: string | undefined): string | undefined => {
  const wanted = text?.split(',').map((part) => part.trim().split(/\s+/)) ?? [];
  return wanted.find(([service]) => service === 'compute')?.[1];
};

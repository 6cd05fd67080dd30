/** N of the newest microversion 1.N. https://docs.openstack.org/placement/latest/placement-api-microversion-history.html */
export const NEWEST_MINOR = 39;

export const OLDEST_VERSION = '1.0';
export const NEWEST_VERSION = `1.${NEWEST_MINOR}`;

/** The header that asks for a microversion, and the one that tells which was taken. */
export const VERSION_HEADER = 'openstack-api-version';

export type AskedVersion =
  | { readonly version: number }
  /** 400 when it is no version, 406 when there is none such. */
  | { readonly status: 400 | 406; readonly detail: string };

/**
 * Which microversion a request wants: the oldest when it does not say.
 *
 * @param header `SERVICE VERSION`, several of them with commas between. The last one that is Placement's counts.
 */
export const readMicroversion = (header: string | undefined): AskedVersion => {
  const asked = findVersion(header) ?? OLDEST_VERSION;
  const wanted = asked === 'latest' ? NEWEST_VERSION : asked;
  const [, major, minor] = /^\s*(\d+)\s*\.\s*(\d+)\s*$/.exec(wanted) ?? [];
  if (major === undefined || minor === undefined)
    return { status: 400, detail: `Invalid microversion: invalid version string: ${wanted}` };
  const version = Number(minor);
  if (Number(major) !== 1 || version > NEWEST_MINOR)
    return { status: 406, detail: `Invalid microversion: Unacceptable version header: ${wanted}` };
  return { version };
};

const findVersion = (header: string | undefined): string | undefined => {
  for (const entry of (header ?? '').split(',').toReversed()) {
    const [, service, version] = /^(\S+)\s+(\S.*)$/.exec(entry.trim()) ?? [];
    if (service?.toLowerCase() === 'placement') return version;
  }
  return undefined;
};

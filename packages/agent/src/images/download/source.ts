import { readSecretFile } from '@etcd-compute/common/config/load';
import { rootCertificates } from 'node:tls';
import { parseNetrc, type Login } from './netrc.js';
import type { ImagesSection } from '../../config/images.js';
import type { FindEndpoint } from './request-snapshot.js';
import { createUrlPolicy, type UrlPolicy } from '@etcd-compute/common/images/url-policy';

/** How image servers are asked. */
export interface ImageSource {
  readonly policy: UrlPolicy;
  /** Undefined: the usual authorities. */
  readonly ca: readonly string[] | undefined;
  /** For snapshots, which other agents hold. */
  readonly findEndpoint: FindEndpoint;
  readonly loginFor: (host: string) => Login | undefined;
}

/** @throws ECOMPUTE_CONFIG_UNREADABLE, ECOMPUTE_CONFIG_INVALID */
export const openImageSource = async (
  { allow_private, ca_cert, netrc_file }: Pick<ImagesSection, 'allow_private' | 'ca_cert' | 'netrc_file'>,
  findEndpoint: FindEndpoint,
): Promise<ImageSource> => {
  const ca = ca_cert === undefined ? undefined : await readSecretFile(ca_cert, 'images.ca_cert');
  const netrc = netrc_file === undefined ? undefined : await readSecretFile(netrc_file, 'images.netrc_file');
  return {
    policy: createUrlPolicy(allow_private),
    findEndpoint,
    ca: ca === undefined ? undefined : [...rootCertificates, ca],
    loginFor: netrc === undefined ? () => undefined : parseNetrc(netrc, netrc_file ?? ''),
  };
};

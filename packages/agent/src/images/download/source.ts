import { readSecretFile } from '@etcd-compute/common/config/load';
import { rootCertificates } from 'node:tls';
import type { FindImageServers } from '@etcd-compute/common/images/request-stored';
import type { UrlSource } from '@etcd-compute/common/images/request-url';
import { parseNetrc } from './netrc.js';
import type { ImagesSection } from '../../config/images.js';
import type { FindEndpoint } from '@etcd-compute/common/images/request-snapshot';
import { createUrlPolicy } from '@etcd-compute/common/images/url-policy';

/** Whom images are asked of that no web server has. */
export interface Holders {
  /** For snapshots, which other agents hold. */
  readonly findEndpoint: FindEndpoint;
  /** For what users have uploaded. */
  readonly findImageServers: FindImageServers;
}

/** How images are asked for. */
export interface ImageSource extends UrlSource, Holders {}

/** @throws ECOMPUTE_CONFIG_UNREADABLE, ECOMPUTE_CONFIG_INVALID */
export const openImageSource = async (
  { allow_private, ca_cert, netrc_file }: Pick<ImagesSection, 'allow_private' | 'ca_cert' | 'netrc_file'>,
  holders: Holders,
): Promise<ImageSource> => {
  const ca = ca_cert === undefined ? undefined : await readSecretFile(ca_cert, 'images.ca_cert');
  const netrc = netrc_file === undefined ? undefined : await readSecretFile(netrc_file, 'images.netrc_file');
  return {
    policy: createUrlPolicy(allow_private),
    ...holders,
    ca: ca === undefined ? undefined : [...rootCertificates, ca],
    loginFor: netrc === undefined ? () => undefined : parseNetrc(netrc, netrc_file ?? ''),
  };
};

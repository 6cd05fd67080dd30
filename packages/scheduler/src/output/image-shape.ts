import type { ImageView } from '@etcd-compute/cloud/images/list-images';
import type { ImageWishView } from '@etcd-compute/cloud/images/wish-for-image';
import { formatBytes } from '@etcd-compute/common/units';
import type { Shape } from './output.js';

/** As many digits as nobody sees twice. */
const SHORT = 'sha256:'.length + 12;

export const imageShape: Shape<ImageView> = {
  columns: [
    { title: 'IMAGE', cell: ({ digest }) => digest.slice(0, SHORT) },
    { title: 'HOST', cell: ({ hostName, host }) => hostName ?? host },
    { title: 'SIZE', cell: ({ bytes }) => formatBytes(bytes), align: 'right' },
    { title: 'DISKS', cell: ({ disks }) => String(disks), align: 'right' },
    {
      title: 'URL',
      cell: ({ snapshots, urls }) => [...snapshots.map(({ name }) => `snapshot:${name}`), ...urls].join(' ') || '-',
    },
  ],
  wideColumns: [{ title: 'DIGEST', cell: ({ digest }) => digest }],
  id: ({ digest }) => digest,
  none: 'no images are cached',
};

export const imageWishShape: Shape<ImageWishView> = {
  columns: [
    { title: 'HOST', cell: ({ hostName, host }) => hostName ?? host },
    { title: 'STATE', cell: ({ state }) => state },
    { title: 'DETAIL', cell: ({ detail }) => detail },
  ],
  wideColumns: [{ title: 'IMAGE', cell: ({ image }) => image }],
  id: ({ host }) => host,
  none: 'no host was asked',
};

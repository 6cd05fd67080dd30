import { formatBytes } from '@etcd-compute/common/units';
import type { Shape } from './output.js';

/** A cached image as `-o json` shows it. Scripts rely on every name in it. */
export interface ImageView {
  readonly digest: string;
  readonly host: string;
  readonly hostName: string | null;
  /** What it takes of the disk. */
  readonly bytes: number;
  /** Disks of instances on it. */
  readonly disks: number;
  readonly urls: readonly string[];
}

/** As many digits as nobody sees twice. */
const SHORT = 'sha256:'.length + 12;

export const imageShape: Shape<ImageView> = {
  columns: [
    { title: 'IMAGE', cell: ({ digest }) => digest.slice(0, SHORT) },
    { title: 'HOST', cell: ({ hostName, host }) => hostName ?? host },
    { title: 'SIZE', cell: ({ bytes }) => formatBytes(bytes), align: 'right' },
    { title: 'DISKS', cell: ({ disks }) => String(disks), align: 'right' },
    { title: 'URL', cell: ({ urls }) => urls.join(' ') || '-' },
  ],
  wideColumns: [{ title: 'DIGEST', cell: ({ digest }) => digest }],
  id: ({ digest }) => digest,
  none: 'no images are cached',
};

/** What came of a wish, on one host. */
export interface ImageWishView {
  readonly image: string;
  readonly host: string;
  readonly hostName: string | null;
  readonly state: 'done' | 'failed' | 'waiting';
  readonly detail: string;
}

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

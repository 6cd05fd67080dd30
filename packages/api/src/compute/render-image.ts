import type { Image } from '../image/state/records.js';
import { linksTo } from './links.js';

interface RenderOptions {
  readonly url: string;
  /** Of the image service. */
  readonly imageUrl: string;
}

/** What is neither is of no use: UNKNOWN. */
const STATUSES: Readonly<Record<string, string>> = {
  queued: 'SAVING',
  saving: 'SAVING',
  uploading: 'SAVING',
  importing: 'SAVING',
  active: 'ACTIVE',
};
const PROGRESS: Readonly<Record<string, number>> = {
  queued: 25,
  saving: 50,
  uploading: 50,
  importing: 50,
  active: 100,
};

export const renderImageBriefly = ({ id, name }: Image, { url, imageUrl }: RenderOptions): Record<string, unknown> => ({
  id,
  name,
  links: [
    ...linksTo(`images/${id}`, url),
    { rel: 'alternate', type: 'application/vnd.openstack.image', href: `${imageUrl}/images/${id}` },
  ],
});

/** As Nova shows what the image service has. */
export const renderImage = (image: Image, options: RenderOptions): Record<string, unknown> => {
  const server = image.properties['instance_uuid'];
  return {
    ...renderImageBriefly(image, options),
    status: STATUSES[image.status] ?? 'UNKNOWN',
    progress: PROGRESS[image.status] ?? 0,
    minDisk: image.min_disk,
    minRam: image.min_ram,
    metadata: image.properties,
    created: toTime(image.created_at),
    updated: toTime(image.updated_at),
    'OS-EXT-IMG-SIZE:size': image.blob?.size ?? null,
    ...(server !== undefined && { server: { id: server, links: linksTo(`servers/${server}`, options.url) } }),
  };
};

const toTime = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z');

import {
  FETCH_IMAGE_STEP,
  imageDownloadsSchema,
  type ImageDownload,
} from '@etcd-compute/common/etcd/messages/image-downloads';
import type { InstanceRecord, Transfer } from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Services } from '../services.js';
import { formatBytes } from '@etcd-compute/common/units';

/** What the agents say of their downloads; of a host without downloads there is nothing. */
export type Downloads = ReadonlyMap<ProviderUuid, readonly ImageDownload[]>;

export const NO_DOWNLOADS: Downloads = new Map();

export const isFetching = (record: InstanceRecord | undefined): boolean => record?.step?.name === FETCH_IMAGE_STEP;

export const readDownloads = async ({ store, keys }: Services, hosts: readonly ProviderUuid[]): Promise<Downloads> => {
  const { entries } = await (await store()).getMany(hosts.map((host) => keys.imageDownloads(host)));
  const values = entries.flatMap((entry) => (entry ? parseMessage(imageDownloadsSchema, entry.key, entry.value) : []));
  return new Map(values.map(({ host, downloads }) => [host, downloads]));
};

/** `120 MiB of 340 MiB, 12 MiB/s`. */
export const describeDownload = ({ phase, bytes, total_bytes: total, bytes_per_second: rate }: ImageDownload): string =>
  [
    phase === 'unpacking' ? 'unpacked ' : '',
    formatBytes(bytes),
    total === null ? '' : ` of ${formatBytes(total)}`,
    rate === null ? '' : `, ${formatBytes(rate)}/s`,
  ].join('');

export interface StepProgress {
  /** For people: `5 MiB of 10 MiB, 1 MiB/s`. */
  readonly text: string;
  readonly transfer: Transfer | null;
}

/** The progress of the current step; undefined if unknown. */
export const progressOf = (record: InstanceRecord, downloads: Downloads): StepProgress | undefined => {
  const { step } = record;
  // An older agent writes it into the record.
  if (step?.progress) return { text: step.progress, transfer: step.transfer ?? null };
  const download = downloadOf(record, downloads);
  return download && { text: describeDownload(download), transfer: download };
};

/** The download that an instance waits for. */
export const downloadOf = (record: InstanceRecord, downloads: Downloads): ImageDownload | undefined => {
  const { host, image } = record;
  if (!isFetching(record) || image === null || !URL.canParse(image)) return undefined;
  const { href } = new URL(image);
  return downloads.get(host)?.find((one) => one.image === href);
};

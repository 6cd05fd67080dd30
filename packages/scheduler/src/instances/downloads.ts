import {
  FETCH_IMAGE_STEP,
  imageDownloadsSchema,
  type ImageDownload,
} from '@etcd-compute/common/etcd/messages/image-downloads';
import type { InstanceRecord, Transfer } from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Cloud } from '../cloud.js';
import { describeDownload } from '../output/transfer.js';

/** What the agents say of their downloads; of a host without downloads there is nothing. */
export type Downloads = ReadonlyMap<ProviderUuid, readonly ImageDownload[]>;

export const NO_DOWNLOADS: Downloads = new Map();

export const isFetching = (record: InstanceRecord | undefined): boolean => record?.step?.name === FETCH_IMAGE_STEP;

export const readDownloads = async ({ store, keys }: Cloud, hosts: readonly ProviderUuid[]): Promise<Downloads> => {
  const { entries } = await (await store()).getMany(hosts.map((host) => keys.imageDownloads(host)));
  const values = entries.flatMap((entry) => (entry ? parseMessage(imageDownloadsSchema, entry.key, entry.value) : []));
  return new Map(values.map(({ host, downloads }) => [host, downloads]));
};

export interface StepProgress {
  /** For people: `5 MiB of 10 MiB, 1 MiB/s`. */
  readonly text: string;
  readonly transfer: Transfer | null;
}

/** How far the step in hand is. Undefined where nobody tells. */
export const progressOf = (record: InstanceRecord, downloads: Downloads): StepProgress | undefined => {
  const { step, host, image } = record;
  // An agent of an older version tells it in the record.
  if (step?.progress) return { text: step.progress, transfer: step.transfer ?? null };
  if (!isFetching(record) || image === null || !URL.canParse(image)) return undefined;
  const { href } = new URL(image);
  const download = downloads.get(host)?.find((one) => one.image === href);
  return download && { text: describeDownload(download), transfer: download };
};

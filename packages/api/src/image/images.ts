import type { UrlSource } from '@etcd-compute/common/images/request-url';
import type { Logger } from '@etcd-compute/common/log';
import type { RecordStore } from '../state/record-store.js';
import type { View } from '../state/view.js';
import type { Blobs } from './blobs/blobs.js';
import type { ImageRecords } from './state/records.js';

export type ImageView = View<ImageRecords>;

/** What the routes of images work with. */
export interface Images {
  readonly store: RecordStore<ImageRecords>;
  readonly blobs: Blobs;
  /** How URLs are asked that are imported. */
  readonly urls: UrlSource;
  /** What links that must be whole begin with: the URL of the service. */
  readonly url: string;
  readonly now: () => number;
  /** Looks at once what became of the snapshot of an image. */
  readonly wakeSnapshot: (id: string) => void;
  /** Ends what goes on when the server stops. */
  readonly signal: AbortSignal;
  /** Runs what goes on after an answer. It throws nothing. */
  readonly background: (task: () => Promise<void>) => void;
  readonly log: Logger;
}

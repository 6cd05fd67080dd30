/** Is told what the store does, for whoever runs it. */
export interface StoreObserver {
  /** A transaction was sent. */
  readonly onTransaction?: () => void;
  /** A write is planned again, because others were faster or may have been. */
  readonly onConflict?: () => void;
  /** The watch has brought what etcd was known to have. */
  readonly onCaughtUp?: (waitedMs: number) => void;
  /** The copy of what etcd holds has been made, for the first time or anew. */
  readonly onLoaded?: () => void;
}

import { createBlobs, type Blobs, type BlobsDeps } from '../image/blobs/blobs.js';
import { nameOf, sha256Of, type OpenBlob } from '../image/blobs/blob-store.js';
import type { Images } from '../image/images.js';
import { contentsOf } from '../image/state/records.js';

export interface OpenBlobs {
  readonly blobs: Blobs;
  /** Whether a record names a content, as of the last look. */
  readonly isNamed: (name: string) => boolean;
  /** Whether it must stay, as of now. */
  readonly isWanted: (name: string) => Promise<boolean>;
  /** For agents and other servers. */
  readonly find: (sha256: string) => Promise<OpenBlob | undefined>;
}

export interface OpenBlobsOptions extends Omit<BlobsDeps, 'isWanted'> {
  readonly store: Images['store'];
  /** Whether contents that no record names may go, as of now. */
  readonly mayRemove: () => Promise<boolean>;
}

/** The contents that records name. */
export const openBlobs = ({ store, mayRemove, ...deps }: OpenBlobsOptions): OpenBlobs => {
  const isNamed = (name: string): boolean =>
    contentsOf(store.view(), sha256Of(name)).some(
      // Without S3, a file may be a copy of what others have there.
      (content) => nameOf(content) === name || (!deps.shared && content.sha256 === name),
    );
  const isWanted = async (name: string): Promise<boolean> => {
    await store.look();
    return isNamed(name) || !(await mayRemove());
  };
  const blobs = createBlobs({ ...deps, isWanted });
  return {
    blobs,
    isNamed,
    isWanted,
    find: async (sha256) =>
      blobs.find(sha256, async () => {
        await store.look();
        return contentsOf(store.view(), sha256);
      }),
  };
};

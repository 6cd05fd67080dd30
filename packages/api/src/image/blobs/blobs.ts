import { HttpError } from '../../http/http-error.js';
import { inspectImage, type ImageInfo } from '@etcd-compute/common/images/inspect';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { BOOTABLE_FORMATS } from '../engine/fields.js';
import type { Blob } from '../state/records.js';
import type { BlobFolder, OpenBlob } from './blob-folder.js';
import type { Received, ReceiveOptions } from './receive.js';

export type Sender = AsyncIterable<Uint8Array> & { readonly destroy: (err?: Error) => unknown };

/** The contents of images: here, and on the other servers. */
export interface Blobs {
  /** The server that this is. */
  readonly server: ProviderUuid;
  /**
   * Takes what comes, and hands it over. What it leaves is only what a record names then.
   *
   * @param use looks at it, and writes the record by `commit`. @throws what the source and `use` throw; HttpError 413, 408.
   */
  readonly take: <T>(
    source: Sender,
    options: Pick<ReceiveOptions, 'announcedBytes'>,
    use: (taken: Taken) => Promise<T>,
  ) => Promise<T>;
  /** Fetched from another server when it is not here. @throws HttpError 503 when nobody who has it answers. */
  readonly open: (blob: Pick<Blob, 'sha256' | 'server'>) => Promise<OpenBlob>;
  /** The path of what `open` opens. */
  readonly ensure: (blob: Pick<Blob, 'sha256' | 'server'>) => Promise<string>;
  /** Removes those of them that no record names any more, here. */
  readonly collect: (sha256s: readonly string[]) => Promise<void>;
  /** What is here, by its sha256. */
  readonly list: () => Promise<readonly string[]>;
  /** Has agents and other servers let in to a content. */
  readonly keyOf: (sha256: string) => string;
}

export interface Taken {
  readonly received: Received;
  /** @param write names the content in a record. */
  readonly commit: <T>(write: () => Promise<T>) => Promise<T>;
}

export interface BlobsDeps {
  readonly server: ProviderUuid;
  readonly folder: BlobFolder;
  readonly stallMs: number;
  /** Whether a record names it, as of now. */
  readonly isWanted: (sha256: string) => Promise<boolean>;
  /** @throws HttpError 503. */
  readonly fetch: (blob: Pick<Blob, 'sha256' | 'server'>) => Promise<Sender>;
  readonly keyOf: (sha256: string) => string;
}

export const createBlobs = ({ server, folder, stallMs, isWanted, fetch, keyOf }: BlobsDeps): Blobs => {
  /** Any number of callers share what is being fetched. */
  const fetching = new Map<string, Promise<void>>();

  const take: Blobs['take'] = async (source, { announcedBytes }, use) => {
    const stalled = new HttpError(408, `Nothing came for ${stallMs / 1000} s.`);
    const onStall = (): unknown => source.destroy(stalled);
    const received = await folder.receive(source, { announcedBytes, stallMs, onStall });
    let isKept = false;
    try {
      return await use({
        received,
        commit: async (write) => {
          isKept = true;
          await folder.keep(received);
          const result = await write();
          // Somebody may have removed the same content, of another image, just before the record named it.
          if (!(await folder.has(received.sha256))) await folder.keep(received);
          return result;
        },
      });
    } finally {
      await folder.dispose(received);
      if (isKept) await folder.removeUnless(received.sha256, async () => isWanted(received.sha256));
    }
  };

  const fetchOnce = async (blob: Pick<Blob, 'sha256' | 'server'>): Promise<void> => {
    const source = await fetch(blob);
    const taking = take(source, { announcedBytes: undefined }, async ({ received, commit }) => {
      if (received.sha256 !== blob.sha256) throw new HttpError(503, 'Another server sent another content than it has.');
      await commit(async () => undefined);
    });
    await taking.catch((err: unknown) => {
      // Whoever asks for it has sent nothing that would be too large.
      if (err instanceof HttpError && err.status === 413)
        throw new HttpError(503, 'This server has no room to fetch the content of the image.', { cause: err });
      throw err;
    });
  };

  const ensure: Blobs['ensure'] = async (blob) => {
    const { sha256 } = blob;
    if (await folder.has(sha256)) return folder.pathOf(sha256);
    const running = fetching.get(sha256) ?? fetchOnce(blob).finally(() => fetching.delete(sha256));
    fetching.set(sha256, running);
    await running;
    return folder.pathOf(sha256);
  };

  return {
    server,
    take,
    ensure,
    open: async (blob) => {
      await ensure(blob);
      const opened = await folder.open(blob.sha256);
      if (!opened) throw new HttpError(503, 'The content of the image was removed just now.');
      return opened;
    },
    collect: async (sha256s) => {
      for (const sha256 of sha256s) await folder.removeUnless(sha256, async () => isWanted(sha256));
    },
    list: async () => folder.list(),
    keyOf,
  };
};

/**
 * Looks at a content as the agents do that boot from it.
 *
 * @returns what a guest sees; undefined of formats that no guest boots from. @throws HttpError 400.
 */
export const checkContent = async (
  path: string,
  format: string,
): Promise<Pick<ImageInfo, 'virtualSizeBytes'> | undefined> => {
  if (!BOOTABLE_FORMATS.some((bootable) => bootable === format)) return undefined;
  const info = await inspectImage(path, 'the file').catch((err: unknown) => {
    if (err instanceof EcomputeError && err.code === 'ECOMPUTE_IMAGE_NOT_USABLE')
      throw new HttpError(400, `${capitalize(err.message)}.`, { cause: err });
    throw err;
  });
  if (info.format !== format)
    throw new HttpError(400, `The file is a ${info.format} image, and the disk_format of the image says ${format}.`);
  return info;
};

const capitalize = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

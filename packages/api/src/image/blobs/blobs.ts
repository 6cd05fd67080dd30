import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import { HttpError } from '../../http/http-error.js';
import type { BlobFolder } from './blob-folder.js';
import {
  nameOf,
  sha256Of,
  storeOf,
  type BlobPlace,
  type BlobStore,
  type OpenBlob,
  type StoreId,
} from './blob-store.js';
import type { Received, ReceiveOptions } from './receive.js';

export type Sender = AsyncIterable<Uint8Array> & { readonly destroy: (err?: Error) => unknown };

/** The contents of images: in the store of all servers, in the folder here, and in those of other servers. */
export interface Blobs {
  /** The server that this is. */
  readonly server: ProviderUuid;
  /** Where contents come that are taken. */
  readonly storeId: StoreId;
  /**
   * Takes what comes, and hands it over. What it leaves is only what a record names then.
   *
   * @param use looks at it, and writes the record by `commit`. @throws what the source and `use` throw; HttpError 413, 408, 503.
   */
  readonly take: <T>(
    source: Sender,
    options: Pick<ReceiveOptions, 'announcedBytes'>,
    use: (taken: Taken) => Promise<T>,
  ) => Promise<T>;
  /** Fetched from another server when it is in a folder, and not in this one. @throws HttpError 503 when nobody who has it answers. */
  readonly open: (place: BlobPlace) => Promise<OpenBlob>;
  /** Opens what is here, or in the store of all servers. @param listPlaces where it may be, too. */
  readonly find: (sha256: string, listPlaces: () => Promise<readonly BlobPlace[]>) => Promise<OpenBlob | undefined>;
  /** Has it in a file for as long as `use` looks at it. @throws as `open` does. */
  readonly withFile: <T>(place: BlobPlace, use: (path: string) => Promise<T>) => Promise<T>;
  /** Removes those of them that no record names any more. What fails is left to housekeeping. @param names of any store. */
  readonly collect: (names: readonly string[]) => Promise<void>;
  /** Has agents and other servers let in to a content. */
  readonly keyOf: (sha256: string) => string;
}

export interface Taken {
  readonly received: Received;
  /** Of the content, in its store. */
  readonly name: string;
  /** @param write names the content in a record. */
  readonly commit: <T>(write: () => Promise<T>) => Promise<T>;
}

export interface BlobsDeps {
  readonly server: ProviderUuid;
  readonly folder: BlobFolder;
  /** Of all servers, if there is one. */
  readonly shared: BlobStore | undefined;
  readonly stallMs: number;
  /** Whether a record names it, as of now. */
  readonly isWanted: (name: string) => Promise<boolean>;
  /** @throws HttpError 503. */
  readonly fetch: (place: BlobPlace) => Promise<Sender>;
  readonly keyOf: (sha256: string) => string;
  readonly log: Logger;
}

export const createBlobs = (deps: BlobsDeps): Blobs => {
  const { server, folder, shared, stallMs, isWanted, fetch, keyOf, log } = deps;
  /** Any number of callers share what is being fetched. */
  const fetching = new Map<string, Promise<void>>();

  const remove = async (store: BlobStore, name: string): Promise<void> =>
    store
      .removeUnless(name, async () => isWanted(name))
      .catch((err: unknown) =>
        log.warn({ err, content: name }, 'a content that no image has could not be removed yet'),
      );

  const receive = async (source: Sender, announcedBytes: number | undefined): Promise<Received> => {
    const stalled = new HttpError(408, `Nothing came for ${stallMs / 1000} s.`);
    return folder.receive(source, { announcedBytes, stallMs, onStall: () => source.destroy(stalled) });
  };

  const takeTo =
    (store: BlobStore): Blobs['take'] =>
    async (source, { announcedBytes }, use) => {
      const received = await receive(source, announcedBytes);
      const name = store.newName(received.sha256);
      let isKept = false;
      try {
        return await use({
          received,
          name,
          commit: async (write) => {
            isKept = true;
            await store.keep(received, name);
            const result = await write();
            // Somebody may have removed the same content, of another image, just before the record named it.
            if (!(await store.has(name))) await store.keep(received, name);
            return result;
          },
        });
      } finally {
        await folder.dispose(received);
        if (isKept) await remove(store, name);
      }
    };

  const fetchOnce = async (place: BlobPlace): Promise<void> => {
    const source = await fetch(place);
    const taking = takeTo(folder)(source, { announcedBytes: undefined }, async ({ received, commit }) => {
      if (received.sha256 !== place.sha256)
        throw new HttpError(503, 'Another server sent another content than it has.');
      await commit(async () => undefined);
    });
    await taking.catch((err: unknown) => {
      // Whoever asks for it has sent nothing that would be too large.
      if (err instanceof HttpError && err.status === 413)
        throw new HttpError(503, 'This server has no room to fetch the content of the image.', { cause: err });
      throw err;
    });
  };

  /** @returns the path of its file in the folder. */
  const ensure = async (place: BlobPlace): Promise<string> => {
    const { sha256 } = place;
    if (await folder.has(sha256)) return folder.pathOf(sha256);
    const running = fetching.get(sha256) ?? fetchOnce(place).finally(() => fetching.delete(sha256));
    fetching.set(sha256, running);
    await running;
    return folder.pathOf(sha256);
  };

  /** The store of all servers, when the content is there and this server has it too. */
  const sharedOf = (place: Pick<BlobPlace, 'object'>): BlobStore | undefined =>
    storeOf(place) === shared?.id ? shared : undefined;

  const open: Blobs['open'] = async (place) => {
    const store = sharedOf(place);
    if (!store) await ensure(place);
    const opened = await (store ?? folder).open(store ? nameOf(place) : place.sha256);
    if (!opened) throw new HttpError(503, 'The content of the image is not where it was put.');
    return opened;
  };

  return {
    server,
    storeId: (shared ?? folder).id,
    take: takeTo(shared ?? folder),
    open,
    find: async (sha256, listPlaces) => {
      const opened = await folder.open(sha256);
      if (opened || !shared) return opened;
      for (const place of await listPlaces()) {
        const found = await sharedOf(place)?.open(nameOf(place));
        if (found) return found;
      }
      return undefined;
    },
    withFile: async (place, use) => {
      if (!sharedOf(place)) return use(await ensure(place));
      await using opened = await open(place);
      const received = await receive(opened.read(), opened.size);
      try {
        if (received.sha256 !== place.sha256)
          throw new HttpError(503, 'The content of the image has changed in its store.');
        return await use(received.path);
      } finally {
        await folder.dispose(received);
      }
    },
    collect: async (names) => {
      for (const name of names) {
        const store = name === sha256Of(name) ? folder : shared;
        // Without it, who has it does that.
        if (store) await remove(store, name);
      }
    },
    keyOf,
  };
};

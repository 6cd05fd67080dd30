import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChecksumAlgorithm } from '@etcd-compute/common/image-checksum';
import { z } from 'zod';
import { identifyThisProcess, type ProcessIdentity } from '../../process/process-identity.js';
import { addFile, RunningDigests, type Digests } from './digests.js';
import { writeAndRename } from '../../state-folder/replace-file.js';
import { SparseFile } from '@etcd-compute/common/images/sparse-file';

/** What the server said about a version of a file, to ask later whether it is still the newest. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** Only a strong one says that the bytes are the same. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5 */
export const strongValidator = ({ etag, lastModified }: Validators): string | null =>
  etag === null ? lastModified : etag.startsWith('W/') ? null : etag;

/**
 * A download in hand, and what is beside it so that a later agent can go on:
 *
 *   <random>.part        what has arrived, from the beginning on
 *   <random>.part.json   of which URL and version it is, who writes it, and how much of it is on the disk for certain
 *
 * A process that is killed leaves its file as far as it has written; a machine that fails may lose what was not synced, and then the
 * file is as long as before with zeros in it. So `syncedBytes` counts after a start of the machine, and the file's length before.
 */
export const noteSchema = z.object({
  url: z.string(),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
  totalBytes: z.int().nonnegative().nullable(),
  syncedBytes: z.int().nonnegative(),
  /** Null when nobody writes it any more. */
  writer: z
    .object({ machine: z.string(), boot_id: z.string(), pid: z.int(), start_ticks: z.string() })
    .nullable() satisfies z.ZodType<ProcessIdentity | null>,
});
export type Note = z.output<typeof noteSchema>;

export const notePath = (path: string): string => `${path}.json`;

/** What may be lost of a long download when the machine fails. */
const SYNC_EVERY_BYTES = 64 * 1024 * 1024;

const NOTHING: Validators = { etag: null, lastModified: null };

export interface PartialDownloadOptions {
  readonly url: string;
  /** Which digest is wanted beside SHA-256. */
  readonly algorithm: ChecksumAlgorithm | undefined;
}

export class PartialDownload implements AsyncDisposable {
  readonly path: string;
  readonly #file: SparseFile;
  readonly #options: PartialDownloadOptions;
  #digests: RunningDigests;
  #validators: Validators;
  #totalBytes: number | null;
  #syncedBytes: number;
  #syncing: Promise<void> | undefined;

  private constructor(
    { path, file, ...note }: Validators & Pick<Note, 'totalBytes' | 'syncedBytes'> & { path: string; file: SparseFile },
    options: PartialDownloadOptions,
  ) {
    this.path = path;
    this.#file = file;
    this.#options = options;
    this.#digests = new RunningDigests(options.algorithm);
    this.#validators = note;
    this.#totalBytes = note.totalBytes;
    this.#syncedBytes = note.syncedBytes;
  }

  static async create(folder: string, options: PartialDownloadOptions): Promise<PartialDownload> {
    const path = join(folder, `${randomUUID()}.part`);
    const file = await SparseFile.create(path);
    return new PartialDownload({ path, file, ...NOTHING, totalBytes: null, syncedBytes: 0 }, options);
  }

  /** Goes on with what an agent has left, which nobody writes any more. It is read once, for its digests. */
  static async takeUp(
    { path, note, bytes }: { path: string; note: Note; bytes: number },
    { signal, ...options }: PartialDownloadOptions & { signal: AbortSignal },
  ): Promise<PartialDownload> {
    const file = await SparseFile.reopen(path, bytes);
    const partial = new PartialDownload(
      { path, file, ...note, syncedBytes: Math.min(bytes, note.syncedBytes) },
      options,
    );
    try {
      await partial.#writeNote(await identifyThisProcess());
      await addFile(partial.#digests, path, { bytes, signal });
    } catch (err) {
      await partial[Symbol.asyncDispose]();
      throw err;
    }
    return partial;
  }

  get size(): number {
    return this.#file.size;
  }

  get validators(): Validators {
    return this.#validators;
  }

  /** As the server said; null when it did not. */
  get totalBytes(): number | null {
    return this.#totalBytes;
  }

  /** Throws away what is there, for another version. */
  async startAnew({ totalBytes, ...validators }: Validators & Pick<Note, 'totalBytes'>): Promise<void> {
    await this.#syncing;
    await rm(notePath(this.path), { force: true });
    await this.#file.clear();
    this.#digests = new RunningDigests(this.#options.algorithm);
    this.#validators = validators;
    this.#totalBytes = totalBytes;
    this.#syncedBytes = 0;
    await this.#writeNote(await identifyThisProcess());
  }

  async append(data: Uint8Array): Promise<void> {
    const written = this.#file.append(data);
    // While the disk takes it.
    this.#digests.update(data);
    await written;
    if (this.size - this.#syncedBytes >= SYNC_EVERY_BYTES) this.#syncing ??= this.#syncMeanwhile();
  }

  /** All has arrived, and is on the disk. To be called once. */
  async finish(): Promise<{ readonly digests: Digests; readonly bytes: number }> {
    await this.#syncing;
    await this.#file.finish();
    this.#syncedBytes = this.size;
    // It may take long to be unpacked.
    await this.#writeNote(await identifyThisProcess());
    return { digests: this.#digests.digest(), bytes: this.size };
  }

  /** Leaves it to a later agent. */
  async leave(): Promise<void> {
    if (strongValidator(this.#validators) === null || this.size === 0) return this.remove();
    await this.#syncing;
    await this.#sync(null);
  }

  async remove(): Promise<void> {
    await this.#syncing;
    await rm(notePath(this.path), { force: true });
    await rm(this.path, { force: true });
  }

  async #sync(writer: Note['writer']): Promise<void> {
    const bytes = this.size;
    await this.#file.sync();
    this.#syncedBytes = bytes;
    await this.#writeNote(writer);
  }

  /** Without holding up what arrives. A disk that cannot do it says so again at the end. */
  async #syncMeanwhile(): Promise<void> {
    try {
      await this.#sync(await identifyThisProcess());
    } catch {
      // Then less of it counts.
    } finally {
      this.#syncing = undefined;
    }
  }

  /** None for a version that cannot be told from another: nobody could go on with it. */
  async #writeNote(writer: Note['writer']): Promise<void> {
    if (strongValidator(this.#validators) === null) return;
    const note: Note = {
      url: this.#options.url,
      etag: this.#validators.etag,
      lastModified: this.#validators.lastModified,
      totalBytes: this.#totalBytes,
      syncedBytes: this.#syncedBytes,
      writer,
    };
    const path = notePath(this.path);
    await writeAndRename(path, { temporary: `${path}.new`, content: `${JSON.stringify(note)}\n` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#syncing;
    await this.#file[Symbol.asyncDispose]();
  }
}

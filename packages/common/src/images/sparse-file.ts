import { open, type FileHandle } from 'node:fs/promises';

const ZEROS = Buffer.alloc(65_536);
/** A file system's block: smaller runs of zeros save nothing. */
const BLOCK = 4096;

const isZero = (data: Uint8Array): boolean => {
  for (let start = 0; start < data.length; start += ZEROS.length) {
    const part = data.subarray(start, start + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
};

/** A file that is written from its beginning to its end, in which blocks of zeros take no space. */
export class SparseFile implements AsyncDisposable {
  readonly #file: FileHandle;
  #size = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async create(path: string): Promise<SparseFile> {
    return new SparseFile(await open(path, 'w', 0o644));
  }

  /** Goes on after the first bytes of a file; what comes after them is thrown away. */
  static async reopen(path: string, bytes: number): Promise<SparseFile> {
    const file = new SparseFile(await open(path, 'r+'));
    await file.#file.truncate(bytes);
    file.#size = bytes;
    return file;
  }

  get size(): number {
    return this.#size;
  }

  async append(data: Uint8Array): Promise<void> {
    for (let start = 0; start < data.length;) {
      // To the next boundary of a block, so that blocks of zeros are found wherever chunks begin.
      const end = Math.min(data.length, start + ZEROS.length - (this.#size % BLOCK));
      const part = data.subarray(start, end);
      if (part.length < BLOCK || !isZero(part)) await this.#write(part);
      this.#size += part.length;
      start = end;
    }
  }

  async #write(part: Uint8Array): Promise<void> {
    for (let written = 0; written < part.length;) {
      const { bytesWritten } = await this.#file.write(part, written, part.length - written, this.#size + written);
      written += bytesWritten;
    }
  }

  /** Back to nothing. */
  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.#size = 0;
  }

  /** Waits until what was appended is on the disk. */
  async sync(): Promise<void> {
    await this.#file.datasync();
  }

  /** Gives the file its length, and waits until all of it is on the disk. */
  async finish(): Promise<void> {
    await this.#file.truncate(this.#size);
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

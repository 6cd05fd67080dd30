import type { Logger } from '../log.js';

interface Undo {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/**
 * What has been done and how to take it back, newest first. An undo that fails is logged and the rest still run.
 * (Node 20 and 22 have no AsyncDisposableStack.)
 */
export class UndoStack {
  readonly #undos: Undo[] = [];

  push(name: string, run: () => Promise<void>): void {
    this.#undos.push({ name, run });
  }

  /** Keeps everything: later calls of `unwind` have nothing to do. */
  commit(): void {
    this.#undos.length = 0;
  }

  /** @returns the names of the undos that failed. */
  async unwind(log: Logger): Promise<string[]> {
    const failed: string[] = [];
    for (let undo = this.#undos.pop(); undo; undo = this.#undos.pop()) {
      try {
        await undo.run();
      } catch (err) {
        failed.push(undo.name);
        log.error({ err, step: undo.name }, 'undo failed');
      }
    }
    return failed;
  }
}

import type { Draft } from '../engine/draft.js';
import type { View } from '../index/view.js';

export interface ReadOptions {
  /** Take what is known here, without asking whether others have written: it may be older by what a watch lags behind. */
  readonly mayLag?: boolean;
}

/** Where Placement's state is. Whatever it is, reads follow the writes that ended before them, and each write is one transaction. */
export interface PlacementStore extends AsyncDisposable {
  /** @throws whatever `look` throws. */
  readonly read: <T>(look: (view: View) => T, options?: ReadOptions) => Promise<T>;
  /**
   * Plans a write and commits it. It is planned again, up to ten times, when others were faster.
   *
   * @param plan pure: it may be called several times. Its Refusal is thrown only when it stands with an index that is up to date.
   * @throws Refusal conflict `placement.concurrent_update` when others were faster each time.
   */
  readonly write: <T>(plan: (draft: Draft) => T) => Promise<T>;
}

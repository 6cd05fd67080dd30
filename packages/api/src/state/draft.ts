import type { Kinds } from './kinds.js';
import type { View } from './view.js';

/** A write that is being planned: what is there, and what shall be there. Nothing that is put is seen in the view. */
export interface Draft<R, V extends View<R> = View<R>> {
  readonly view: V;
  readonly put: <N extends keyof R & string>(kind: N, record: R[N]) => void;
  readonly delete: (kind: keyof R & string, id: string) => void;
}

export interface DraftWrite {
  readonly kind: string;
  readonly id: string;
  /** Undefined: to be deleted. */
  readonly value: string | undefined;
}

export const createDraft = <R, V extends View<R>>(
  kinds: Kinds<R>,
  view: V,
): Draft<R, V> & { readonly writes: () => readonly DraftWrite[] } => {
  const writes = new Map<string, DraftWrite>();
  const set = (write: DraftWrite): void => {
    writes.set(`${write.kind}/${write.id}`, write);
  };
  return {
    view,
    put: (kind, record) => set({ kind, id: kinds[kind].idOf(record), value: JSON.stringify(record) }),
    delete: (kind, id) => set({ kind, id, value: undefined }),
    writes: () => [...writes.values()],
  };
};

import { idOf, type Kind, type Records } from './entities.js';
import type { View } from './view.js';

/** A write that is being planned: what is there, and what shall be there. Nothing that is put is seen in the view. */
export interface Draft {
  readonly view: View;
  readonly put: <K extends Kind>(kind: K, record: Records[K]) => void;
  readonly delete: (kind: Kind, id: string) => void;
}

export interface DraftWrite {
  readonly kind: Kind;
  readonly id: string;
  /** Undefined: to be deleted. */
  readonly value: string | undefined;
}

export const createDraft = (view: View): Draft & { readonly writes: () => readonly DraftWrite[] } => {
  const writes = new Map<string, DraftWrite>();
  const set = (write: DraftWrite): void => {
    writes.set(`${write.kind}/${write.id}`, write);
  };
  return {
    view,
    put: (kind, record) => set({ kind, id: idOf(kind, record), value: JSON.stringify(record) }),
    delete: (kind, id) => set({ kind, id, value: undefined }),
    writes: () => [...writes.values()],
  };
};

import type { Draft } from '../state/draft.js';
import { idOf, KINDS, type Kind, type Records } from '../state/entities.js';
import type { IdentityStore } from '../state/identity-store.js';
import type { View } from '../state/view.js';

interface Ref {
  readonly kind: Kind;
  readonly id: string;
}

/** etcd takes some 4,000 in one transaction. */
const AT_ONCE = 1000;

/**
 * Removes something, and all that is about it, in one transaction; when there is too much for that, some of what is about it goes before.
 * It may be repeated when it was interrupted.
 *
 * @param check is asked before each transaction. @throws what it throws.
 */
export const remove = async (store: IdentityStore, ref: Ref, check: (view: View) => void): Promise<void> => {
  while (!(await store.write((draft) => removeSome(draft, ref, check))));
};

/** @returns whether that was all. */
const removeSome = (draft: Draft, ref: Ref, check: (view: View) => void): boolean => {
  check(draft.view);
  // What something is about goes after it, so what is left over is still found.
  const all = listAbout(draft.view, ref).toReversed();
  for (const { kind, id } of all.slice(0, AT_ONCE)) draft.delete(kind, id);
  if (all.length > AT_ONCE) return false;
  draft.delete(ref.kind, ref.id);
  return true;
};

const toText = ({ kind, id }: Ref): string => `${kind} ${id}`;

/** What is about something, and what is about that. */
export const listAbout = (view: View, ref: Ref): readonly Ref[] => {
  const gone = new Set([toText(ref)]);
  const found: Ref[] = [];
  // A kind comes after those that it is about.
  for (const kind of KINDS)
    for (const record of view.list(kind)) {
      if (!aboutOf(kind, record).some((other) => gone.has(toText(other)))) continue;
      const own = { kind, id: idOf(kind, record) };
      gone.add(toText(own));
      found.push(own);
    }
  return found;
};

const ABOUT: { readonly [K in Kind]: (record: Records[K]) => readonly Ref[] } = {
  domain: () => [],
  project: ({ domain }) => [{ kind: 'domain', id: domain }],
  user: ({ domain }) => [{ kind: 'domain', id: domain }],
  password: ({ user }) => [{ kind: 'user', id: user }],
  group: ({ domain }) => [{ kind: 'domain', id: domain }],
  membership: ({ group, user }) => [
    { kind: 'group', id: group },
    { kind: 'user', id: user },
  ],
  role: () => [],
  assignment: ({ actor, actor_id, target, target_id, role }) => [
    { kind: actor, id: actor_id },
    { kind: 'role', id: role },
    ...(target === 'system' ? [] : [{ kind: target, id: target_id }]),
  ],
  credential: ({ user, project }) => [
    { kind: 'user', id: user },
    { kind: 'project', id: project },
  ],
};

const aboutOf = <K extends Kind>(kind: K, record: Records[K]): readonly Ref[] => ABOUT[kind](record);

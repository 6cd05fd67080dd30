import type { Caller } from '../../http/caller.js';
import type { View } from '../state/view.js';
import { findSession, toCaller } from '../tokens/session.js';

interface Member {
  readonly user: string;
  readonly project: string;
}

/** Somebody in a project as a caller, as things are now, without a token. @returns undefined when a token for it could not be had either. */
export const findCaller = (view: View, member: Member, now: number): Caller | undefined => {
  const [user, project] = [view.get('user', member.user), view.get('project', member.project)];
  if (!user || !project) return undefined;
  const session = findSession(
    view,
    {
      version: 1,
      user: user.id,
      epoch: user.epoch,
      methods: [],
      scope: { type: 'project', id: project.id, epoch: project.epoch },
      issued_at: now,
      expires_at: now + 1,
      audit_ids: [],
    },
    now,
  );
  return session && toCaller(session);
};

import type { View as RecordView } from '../../state/view.js';
import type { Assignment, Credential, Group, Records } from './entities.js';

/** Kinds that have names, unique in their domain; of domains and roles, unique in all. */
export type Named = 'domain' | 'project' | 'user' | 'group' | 'role';

/** All of identity's state, as of one moment. It changes as soon as whoever holds it waits for something. */
export interface View extends RecordView<Records> {
  /** @param domain for kinds that belong to one. */
  readonly named: <K extends Named>(kind: K, name: string, domain?: string) => Records[K] | undefined;
  /** What a user or a group was given itself. */
  readonly assignmentsOf: (actor: Assignment['actor'], id: string) => readonly Assignment[];
  readonly groupsOf: (user: string) => readonly Group[];
  readonly credentialsOf: (user: string) => readonly Credential[];
}

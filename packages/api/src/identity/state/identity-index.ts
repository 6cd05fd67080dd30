import { RecordIndex, type Unreadable } from '../../state/record-index.js';
import {
  IDENTITY_KINDS,
  nameRelation,
  type Assignment,
  type Credential,
  type Group,
  type Records,
} from './entities.js';
import type { Named, View } from './view.js';

/** All of identity's records, with the relations that are asked for. */
export class IdentityIndex extends RecordIndex<Records> implements View {
  constructor(onUnreadable?: (unreadable: Unreadable) => void) {
    super(IDENTITY_KINDS, onUnreadable);
  }

  named<K extends Named>(kind: K, name: string, domain = ''): Records[K] | undefined {
    return this.related(kind, nameRelation(name, domain))[0];
  }

  assignmentsOf(actor: Assignment['actor'], id: string): readonly Assignment[] {
    return this.related('assignment', `${actor}/${id}`);
  }

  groupsOf(user: string): readonly Group[] {
    const memberships = this.related('membership', user);
    return memberships.map(({ group }) => this.get('group', group)).filter((group) => group !== undefined);
  }

  credentialsOf(user: string): readonly Credential[] {
    return this.related('credential', user);
  }
}

import { conflict, HttpError, notFound } from '../../http/http-error.js';
import type { Kind, Records } from '../state/entities.js';
import type { View } from '../state/view.js';

/** What kinds are called in messages. */
const WORDS: Readonly<Record<Kind, string>> = {
  domain: 'domain',
  project: 'project',
  user: 'user',
  password: 'password',
  group: 'group',
  membership: 'membership',
  role: 'role',
  assignment: 'role assignment',
  credential: 'application credential',
};

/** @throws HttpError 404. */
export const need = <K extends Kind>(view: View, kind: K, id: string): Records[K] => {
  const record = view.get(kind, id);
  if (!record) throw notFound(`Could not find ${WORDS[kind]}: ${id}.`);
  return record;
};

export const nameTaken = (kind: Kind, name: string): HttpError =>
  conflict(`Conflict occurred attempting to store ${WORDS[kind]} - Duplicate entry found with name ${name}.`);

/** That something is wrong with it is told to nobody who has not shown who he is: it is the same for all reasons. */
export const unauthorized = (): HttpError => new HttpError(401, 'The request you have made requires authentication.');

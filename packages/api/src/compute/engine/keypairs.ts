import { badRequest, conflict, HttpError, notFound } from '../../http/http-error.js';
import type { Draft, View } from '../state/compute-store.js';
import { keypairId, type Keypair } from '../state/entities.js';

const findKeypair = (view: View, { user, name }: Pick<Keypair, 'user' | 'name'>): Keypair | undefined =>
  view.get('keypair', keypairId({ user, name }));

/** As a guest takes it. @throws HttpError 400 when it is of another type. */
export const findSshKey = (view: View, owned: Pick<Keypair, 'user' | 'name'>): string | undefined => {
  const keypair = findKeypair(view, owned);
  if (keypair?.type === 'x509')
    throw badRequest(`Keypair ${keypair.name} is of type x509: servers here take ssh keys.`);
  return keypair?.public_key;
};

/** @throws HttpError 404. */
export const needKeypair = (view: View, owned: Pick<Keypair, 'user' | 'name'>): Keypair => {
  const keypair = findKeypair(view, owned);
  if (!keypair) throw notFound(`Keypair ${owned.name} not found for user ${owned.user}`);
  return keypair;
};

/** In the order of their names. */
export const keypairsOf = (view: View, user: string): readonly Keypair[] =>
  view.related('keypair', user).toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** @param limit -1: any number. @throws HttpError 403, 409. */
export const addKeypair = (draft: Draft, keypair: Keypair, limit: number): void => {
  const { user, name } = keypair;
  if (findKeypair(draft.view, keypair)) throw conflict(`Key pair '${name}' already exists.`);
  if (limit >= 0 && draft.view.related('keypair', user).length >= limit)
    throw new HttpError(403, 'Quota exceeded, too many key pairs.');
  draft.put('keypair', keypair);
};

import { createHash } from 'node:crypto';
import { checkKey } from '@etcd-compute/common/ssh-keys';
import { badRequest, conflict, HttpError, notFound } from '../../http/http-error.js';
import type { Draft, View } from '../state/compute-store.js';
import { keypairId, type Keypair } from '../state/entities.js';

export const findKeypair = (view: View, { user, name }: Pick<Keypair, 'user' | 'name'>): Keypair | undefined =>
  view.get('keypair', keypairId({ user, name }));

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

/** @returns it as one line. @throws HttpError 400. */
export const readPublicKey = (text: string): string => {
  const checked = checkKey(text);
  if ('problem' in checked) throw badRequest(`Keypair data is invalid: ${checked.problem}`);
  return checked.key;
};

/** As `ssh-keygen -l -E md5` shows it. */
export const fingerprintOf = (publicKey: string): string => {
  const [, base64 = ''] = publicKey.split(/ +/);
  const digest = createHash('md5').update(Buffer.from(base64, 'base64')).digest('hex');
  return digest.match(/../g)?.join(':') ?? '';
};

import { z } from 'zod';
import { HttpError } from '../../http/http-error.js';
import { paramOf, type ApiRequest, type Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute, type ComputeRequest } from '../compute-route.js';
import { isAdmin } from '../engine/find-flavor.js';
import { addKeypair, keypairsOf, needKeypair } from '../engine/keypairs.js';
import { limitsOf } from '../engine/quotas.js';
import { KEY_TYPES, type KeyType } from '../keys/key-types.js';
import { readMinor } from '../microversion.js';
import { takePage } from '../paging.js';
import { renderKeypair, renderKeypairInDetail, renderNewKeypair, TYPES } from '../render-keypair.js';
import { keypairId, type Keypair } from '../state/entities.js';
import { name } from './fields.js';

/** The first versions that have them. */
const OTHER_USERS = 10;
const PAGES = 35;
const NO_NEW_KEYS = 92;

const keypairName = name.regex(/^[_\- a-zA-Z0-9]+$/, 'expected letters, digits, spaces, _ and -');
const keypairNameNow = name.regex(/^[_\-@. a-zA-Z0-9]+$/, 'expected letters, digits, spaces, _ - @ and .');
const publicKey = z.string();
const type = z.enum(['ssh', 'x509']).optional();
const BODIES = {
  first: z.strictObject({ keypair: z.strictObject({ name: keypairName, public_key: publicKey.optional() }) }),
  typed: z.strictObject({ keypair: z.strictObject({ name: keypairName, public_key: publicKey.optional(), type }) }),
  ofUsers: z.strictObject({
    keypair: z.strictObject({
      name: keypairName,
      public_key: publicKey.optional(),
      type,
      user_id: z.string().optional(),
    }),
  }),
  imported: z.strictObject({
    keypair: z.strictObject({ name: keypairNameNow, public_key: publicKey, type, user_id: z.string().optional() }),
  }),
};

const bodyIn = (minor: number): z.ZodType<CreateBody> => {
  if (minor >= NO_NEW_KEYS) return BODIES.imported;
  if (minor >= OTHER_USERS) return BODIES.ofUsers;
  return minor >= TYPES ? BODIES.typed : BODIES.first;
};

interface CreateBody {
  readonly keypair: {
    readonly name: string;
    readonly public_key?: string | undefined;
    readonly type?: KeyType | undefined;
    readonly user_id?: string | undefined;
  };
}

/** Whose keypairs are asked for: an admin may name somebody. */
const userOf = (request: Omit<ApiRequest, 'body'>): string =>
  (readMinor(request) >= OTHER_USERS ? request.query.get('user_id') : null) ?? request.caller?.userId ?? '';
const target = (request: Omit<ApiRequest, 'body'>) => ({ 'target.user_id': userOf(request) });

/** https://docs.openstack.org/api-ref/compute/#keypairs-keypairs */
export const createKeypairRoutes = ({ store, url, now }: Compute): readonly Route[] => [
  computeRoute({
    method: 'GET',
    path: '/os-keypairs',
    rule: 'compute:keypairs:list',
    target,
    handle: (request) => {
      const { minor, query } = request;
      const all = keypairsOf(store.view(), userOf(request));
      const { items, links } =
        minor >= PAGES
          ? takePage(all, { query, idOf: ({ name }) => name, url: `${url}/os-keypairs` })
          : { items: all, links: undefined };
      return {
        status: 200,
        body: {
          keypairs: items.map((keypair) => ({ keypair: renderKeypair(keypair, minor) })),
          ...(links && { keypairs_links: links }),
        },
      };
    },
  }),
  computeRoute({
    method: 'POST',
    path: '/os-keypairs',
    rule: 'compute:keypairs:create',
    body: bodyIn,
    handle: async (request) => {
      const { minor } = request;
      const { name, type = 'ssh', public_key } = request.body.keypair;
      const user = ownerOf(request);
      const { create, read, fingerprint } = KEY_TYPES[type];
      const made = public_key === undefined ? await create({ name, user, now: now() }) : undefined;
      const kept = made?.publicKey ?? read(public_key ?? '');
      const keypair: Keypair = {
        version: 1,
        user,
        name,
        type,
        public_key: kept,
        fingerprint: fingerprint(kept),
        created_at: now(),
      };
      await store.write((draft) => {
        addKeypair(draft, keypair, limitsOf(draft.view, request.caller.projectId).key_pairs);
      });
      return {
        status: minor >= TYPES ? 201 : 200,
        body: { keypair: renderNewKeypair(keypair, { minor, privateKey: made?.privateKey }) },
      };
    },
  }),
  computeRoute({
    method: 'GET',
    path: '/os-keypairs/:name',
    rule: 'compute:keypairs:show',
    target,
    handle: (request) => {
      const keypair = needKeypair(store.view(), { user: userOf(request), name: paramOf(request, 'name') });
      return { status: 200, body: { keypair: renderKeypairInDetail(keypair, request.minor) } };
    },
  }),
  computeRoute({
    method: 'DELETE',
    path: '/os-keypairs/:name',
    rule: 'compute:keypairs:delete',
    target,
    handle: async (request) => {
      const owned = { user: userOf(request), name: paramOf(request, 'name') };
      await store.write((draft) => draft.delete('keypair', keypairId(needKeypair(draft.view, owned))));
      return { status: request.minor >= TYPES ? 204 : 202 };
    },
  }),
];

/** @throws HttpError 403 when somebody wants to make one for another. */
const ownerOf = ({ body, caller }: ComputeRequest<CreateBody>): string => {
  const user = body.keypair.user_id ?? caller.userId;
  if (user !== caller.userId && !isAdmin(caller))
    throw new HttpError(403, 'You are not authorized to perform the requested action: compute:keypairs:create.');
  return user;
};

import { z } from 'zod';
import { badRequest, conflict, forbidden, HttpError, notFound } from '../../http/http-error.js';
import { callerOf, paramOf, withBody, type ApiRequest, type Route } from '../../http/route.js';
import { isAdmin } from '../engine/access.js';
import { stillThere, targetOf } from '../engine/find-image.js';
import type { Images, ImageView } from '../images.js';
import { renderMember } from '../render.js';
import { imageRelation, memberId, type Image, type Member } from '../state/records.js';

const MAX_MEMBERS = 128;

const addBody = z.strictObject({ member: z.string().min(1).max(255) });
/** Clients say the member again, who is in the path. */
const changeBody = z.strictObject({
  status: z.enum(['pending', 'accepted', 'rejected']),
  member: z.string().optional(),
});

export const createMemberRoutes = (images: Images): readonly Route[] => {
  const { store, now } = images;
  const target = targetOf(images);
  const ofMember = (request: Omit<ApiRequest, 'body'>) => {
    const image = target(request);
    // Others who share it are not told of each other.
    return { ...image, member_id: image['member_id'] === paramOf(request, 'member') ? image['member_id'] : undefined };
  };
  return [
    {
      method: 'GET',
      path: '/v2/images/:id/members',
      rule: 'get_members',
      target,
      handle: (request) => {
        const image = shared(stillThere(store.view(), paramOf(request, 'id')));
        const caller = callerOf(request);
        const isOwner = isAdmin(caller) || caller.projectId === image.owner;
        const members = store
          .view()
          .related('member', imageRelation(image.id))
          .filter(({ project }) => isOwner || project === caller.projectId);
        return { status: 200, body: { members: members.map(renderMember), schema: '/v2/schemas/members' } };
      },
    },
    withBody({
      method: 'POST',
      path: '/v2/images/:id/members',
      rule: 'add_member',
      target,
      body: addBody,
      handle: async (request) => {
        const project = request.body.member;
        const member = await store.write((draft) => {
          const { id } = shared(stillThere(draft.view, paramOf(request, 'id')));
          const others = draft.view.related('member', imageRelation(id));
          if (others.some((other) => other.project === project))
            throw conflict(`Image ${id} is shared with ${project} already.`);
          if (others.length >= MAX_MEMBERS) throw new HttpError(413, `An image has at most ${MAX_MEMBERS} members.`);
          const at = now();
          const added: Member = { version: 1, image: id, project, status: 'pending', created_at: at, updated_at: at };
          draft.put('member', added);
          return added;
        });
        return { status: 200, body: renderMember(member) };
      },
    }),
    {
      method: 'GET',
      path: '/v2/images/:id/members/:member',
      rule: 'get_member',
      target: ofMember,
      handle: (request) => ({ status: 200, body: renderMember(needMember(store.view(), request)) }),
    },
    withBody({
      method: 'PUT',
      path: '/v2/images/:id/members/:member',
      rule: 'modify_member',
      target: ofMember,
      body: changeBody,
      handle: async (request) => {
        const member = await store.write((draft) => {
          const after = { ...needMember(draft.view, request), status: request.body.status, updated_at: now() };
          draft.put('member', after);
          return after;
        });
        return { status: 200, body: renderMember(member) };
      },
    }),
    {
      method: 'DELETE',
      path: '/v2/images/:id/members/:member',
      rule: 'delete_member',
      target,
      handle: async (request) => {
        await store.write((draft) => {
          const { image, project } = needMember(draft.view, request);
          draft.delete('member', memberId(image, project));
        });
        return { status: 204 };
      },
    },
  ];
};

const shared = (image: Image): Image => {
  if (image.visibility !== 'shared') throw forbidden('Only shared images have members.');
  return image;
};

const needMember = (view: ImageView, request: Omit<ApiRequest, 'body'>): Member => {
  const image = shared(stillThere(view, paramOf(request, 'id')));
  const project = paramOf(request, 'member');
  if (project === '') throw badRequest('Which member?');
  const member = view.get('member', memberId(image.id, project));
  if (!member) throw notFound(`${project} is no member of image ${image.id}.`);
  return member;
};

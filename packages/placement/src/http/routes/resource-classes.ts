import {
  createResourceClass,
  deleteResourceClass,
  ensureResourceClass,
  findResourceClass,
  listResourceClasses,
  renameResourceClass,
} from '../../engine/resource-classes.js';
import type { View } from '../../index/view.js';
import type { ApiRequest, Route } from '../route.js';
import { CUSTOM_CLASS_SCHEMA } from '../schemas/resource-classes.js';
import { bodyOf, paramOf } from '../read-request.js';

const CLASSES = '/resource_classes';
const ONE_CLASS = '/resource_classes/:name';

const linkToClass = ({ linkTo }: ApiRequest, name: string): string => linkTo(`${CLASSES}/${name}`);

const render = (request: ApiRequest, name: string): Record<string, unknown> => ({
  name,
  links: [{ rel: 'self', href: linkToClass(request, name) }],
});

/** Those that are always there have no times of their own: they are as of now. */
const changedAt = (view: View, name: string): number => view.customClasses().get(name)?.updatedAt ?? Date.now();

export const resourceClassRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: CLASSES,
    since: 2,
    rule: 'placement:resource_classes:list',
    handle: async (request) => {
      const names = await request.store.read(listResourceClasses);
      return {
        status: 200,
        body: { resource_classes: names.map((name) => render(request, name)) },
        lastModified: Date.now(),
      };
    },
  },
  {
    method: 'POST',
    path: CLASSES,
    since: 2,
    rule: 'placement:resource_classes:create',
    body: () => CUSTOM_CLASS_SCHEMA,
    handle: async (request) => {
      const { name } = bodyOf<{ name: string }>(request);
      await request.store.write((draft) => createResourceClass(draft, name));
      return { status: 201, location: linkToClass(request, name) };
    },
  },
  {
    method: 'GET',
    path: ONE_CLASS,
    since: 2,
    rule: 'placement:resource_classes:show',
    handle: async (request) => {
      const name = paramOf(request, 'name');
      const lastModified = await request.store.read((view) => changedAt(view, findResourceClass(view, name)));
      return { status: 200, body: render(request, name), lastModified };
    },
  },
  {
    method: 'PUT',
    path: ONE_CLASS,
    since: 2,
    rule: 'placement:resource_classes:update',
    body: () => CUSTOM_CLASS_SCHEMA,
    handle: async (request) => {
      const { name } = bodyOf<{ name: string }>(request);
      await request.store.write((draft) => renameResourceClass(draft, paramOf(request, 'name'), name));
      return { status: 200, body: render(request, name) };
    },
  },
  {
    method: 'PUT',
    path: ONE_CLASS,
    since: 7,
    rule: 'placement:resource_classes:update',
    params: CUSTOM_CLASS_SCHEMA,
    handle: async (request) => {
      const name = paramOf(request, 'name');
      const isNew = await request.store.write((draft) => ensureResourceClass(draft, name));
      return { status: isNew ? 201 : 204, location: linkToClass(request, name) };
    },
  },
  {
    method: 'DELETE',
    path: ONE_CLASS,
    since: 2,
    rule: 'placement:resource_classes:delete',
    handle: async (request) => {
      await request.store.write((draft) => deleteResourceClass(draft, paramOf(request, 'name')));
      return { status: 204 };
    },
  },
];

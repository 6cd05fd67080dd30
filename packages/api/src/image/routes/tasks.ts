import { notFound } from '../../http/http-error.js';
import { takePage } from '../../http/paging.js';
import { paramOf, type Route } from '../../http/route.js';
import { targetOf } from '../engine/find-image.js';
import type { Images } from '../images.js';
import { renderTask } from '../render.js';
import { imageRelation, type Task } from '../state/records.js';

/** Imports are the only tasks that there are, and are begun by importing. */
export const createTaskRoutes = (images: Images): readonly Route[] => {
  const { store } = images;
  return [
    {
      method: 'GET',
      path: '/v2/tasks',
      rule: 'get_tasks',
      handle: ({ query }) => {
        const status = query.get('status');
        const type = query.get('type');
        const isAsked = (task: Task): boolean =>
          (status === null || task.status === status) && (type === null || type === 'api_image_import');
        const { items, next } = takePage(store.view().list('task').filter(isAsked), query);
        return {
          status: 200,
          body: {
            tasks: items.map((task) => withoutDetails(renderTask(task))),
            first: '/v2/tasks',
            schema: '/v2/schemas/tasks',
            ...(next && { next: `/v2/tasks?${next.toString()}` }),
          },
        };
      },
    },
    {
      method: 'GET',
      path: '/v2/tasks/:task',
      rule: 'get_task',
      handle: (request) => {
        const id = paramOf(request, 'task');
        const task = store.view().get('task', id);
        if (!task) throw notFound(`No task found with ID ${id}`);
        return { status: 200, body: renderTask(task) };
      },
    },
    {
      method: 'GET',
      path: '/v2/images/:id/tasks',
      rule: 'get_image_tasks',
      target: targetOf(images),
      handle: (request) => ({
        status: 200,
        body: {
          tasks: store
            .view()
            .related('task', imageRelation(paramOf(request, 'id')))
            .map(renderTask),
        },
      }),
    },
  ];
};

const withoutDetails = ({
  input: _input,
  result: _result,
  message: _message,
  ...task
}: Readonly<Record<string, unknown>>): object => task;

import { testIsolation } from '../isolation.js';

/** Of the paths, the image is public, and the member's project's. */
const TABLE: Readonly<Record<string, string>> = {
  'GET ': 'amrone',
  'GET /versions': 'amrone',
  'GET /v2': 'amrone',
  'GET /v2/images': 'amro',
  'POST /v2/images': 'amo',
  'GET /v2/images/:id': 'amro',
  'PATCH /v2/images/:id': 'am',
  'DELETE /v2/images/:id': 'am',
  'PUT /v2/images/:id/file': 'am',
  'GET /v2/images/:id/file': 'amo',
  'PUT /v2/images/:id/stage': 'am',
  'PUT /v2/images/:id/tags/:tag': 'am',
  'DELETE /v2/images/:id/tags/:tag': 'am',
  'POST /v2/images/:id/actions/deactivate': 'am',
  'POST /v2/images/:id/actions/reactivate': 'am',
  'GET /v2/images/:id/members': 'amr',
  'POST /v2/images/:id/members': 'am',
  'GET /v2/images/:id/members/:member': 'amr',
  // The member that is asked for is another project, which alone may say whether it accepts.
  'PUT /v2/images/:id/members/:member': 'a',
  'DELETE /v2/images/:id/members/:member': 'am',
  'POST /v2/images/:id/import': 'am',
  'GET /v2/images/:id/tasks': 'amr',
  'GET /v2/tasks': 'a',
  'GET /v2/tasks/:task': 'a',
  'GET /v2/info/import': 'amro',
  'GET /v2/info/stores': 'amro',
  'GET /v2/schemas/image': 'amro',
  'GET /v2/schemas/images': 'amro',
  'GET /v2/schemas/member': 'amro',
  'GET /v2/schemas/members': 'amro',
  'GET /v2/schemas/task': 'amro',
  'GET /v2/schemas/tasks': 'amro',
};

testIsolation({
  path: '/image',
  table: TABLE,
  prepare: async ({ askAt }, { admin, places: { project } }) => {
    const body = { name: 'ours', owner: project, visibility: 'public', protected: true };
    const { id } = (await askAt('/image')('POST /v2/images', { token: admin, body })).body;
    return (path) => path.replace(':id', id).replace(/:(tag|member|task)/, 'none');
  },
});

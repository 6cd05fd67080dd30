import type { ApiRequest } from './route.js';

/** The body of a request, of the shape that its route's schema has let in. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion, typescript/no-unnecessary-type-parameters -- the schema has checked it
export const bodyOf = <Body>({ body }: ApiRequest): Body => body as Body;

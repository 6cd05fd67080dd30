import { badRequest } from '../../http/http-error.js';
import type { ImageView } from '../images.js';
import type { Image } from '../state/records.js';
import { canSee, type Viewer } from './access.js';
import { readFilters } from './filters.js';
import { readOrder, type Compare } from './order.js';

const USUAL_LIMIT = 25;
const MAX_LIMIT = 1000;

export interface ImagePage {
  readonly images: readonly Image[];
  /** The last one, when more come after it. */
  readonly nextMarker: string | undefined;
}

/** What a viewer is shown of a query. @throws HttpError 400. */
export const listImages = (view: ImageView, query: URLSearchParams, viewer: Viewer): ImagePage => {
  const compare = readOrder(query);
  const limit = readLimit(query.get('limit'));
  const isAsked = readFilters(query, viewer, view);
  const all = view.list('image').filter(isAsked).toSorted(compare);
  const start = readMarker(query.get('marker'), { view, viewer, all, compare });
  const images = all.slice(start, start + limit);
  const hasMore = images.length > 0 && start + limit < all.length;
  return { images, nextMarker: hasMore ? images.at(-1)?.id : undefined };
};

const readLimit = (text: string | null): number => {
  if (text === null) return USUAL_LIMIT;
  if (!/^\d{1,9}$/.test(text)) throw badRequest('limit param must be a number that is not negative');
  return Math.min(Number(text), MAX_LIMIT);
};

interface Listed {
  readonly view: ImageView;
  readonly viewer: Viewer;
  readonly all: readonly Image[];
  readonly compare: Compare;
}

/** After the marker, also when the query does not ask for that one itself. */
const readMarker = (id: string | null, { view, viewer, all, compare }: Listed): number => {
  if (id === null) return 0;
  const marker = view.get('image', id);
  if (!marker || !canSee(view, marker, viewer)) throw badRequest(`The marker ${id} is no image that you can see.`);
  const start = all.findIndex((image) => compare(image, marker) > 0);
  return start < 0 ? all.length : start;
};

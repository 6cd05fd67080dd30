import type { Route } from './route.js';

/** The routes of one path. */
export interface Resource {
  readonly path: string;
  /** The methods that a path has in any version, as the `allow` header lists them. */
  readonly methods: string;
  /** The route of a method in a version, or the status that says why there is none. */
  readonly find: (method: string, version: number) => Route | 404 | 405;
}

export const groupByPath = (routes: readonly Route[]): readonly Resource[] => {
  const paths = new Map<string, Route[]>();
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route]);
  return [...paths].map(([path, routes]) => createResource(path, routes));
};

const createResource = (path: string, routes: readonly Route[]): Resource => {
  const newestFirst = routes.toSorted((a, b) => sinceOf(b) - sinceOf(a));
  const methods = new Set<string>(routes.map(({ method }) => method));
  return {
    path,
    methods: [...methods].join(', '),
    find: (method, version) => {
      if (!methods.has(method)) return 405;
      const present = newestFirst.filter((route) => sinceOf(route) <= version);
      return present.find((route) => route.method === method) ?? (present.length > 0 ? 405 : 404);
    },
  };
};

const sinceOf = ({ since }: Route): number => since ?? 0;

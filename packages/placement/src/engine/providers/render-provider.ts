import type { View } from '../../index/view.js';
import type { Provider } from '../../model/entities.js';

export interface RenderProviderOptions {
  /** N of microversion 1.N. */
  readonly version: number;
  readonly linkTo: (path: string) => string;
}

/** A provider as the API shows it. It may be one that is about to be written. */
export const renderProvider = (view: View, provider: Provider, { version, linkTo }: RenderProviderOptions): object => ({
  uuid: provider.uuid,
  name: provider.name,
  generation: view.usage(provider.uuid).generation,
  links: [
    { rel: 'self', href: linkTo(pathOf(provider.uuid)) },
    ...RELATIONS.filter(({ since }) => version >= since).map(({ rel }) => ({
      rel,
      href: linkTo(`${pathOf(provider.uuid)}/${rel}`),
    })),
  ],
  ...(version >= 14 && {
    parent_provider_uuid: provider.parent,
    root_provider_uuid: provider.parent === null ? provider.uuid : view.rootOf(provider.parent),
  }),
});

const RELATIONS = [
  { rel: 'inventories', since: 0 },
  { rel: 'usages', since: 0 },
  { rel: 'aggregates', since: 1 },
  { rel: 'traits', since: 6 },
  { rel: 'allocations', since: 11 },
] as const;

const pathOf = (uuid: string): string => `/resource_providers/${uuid}`;

import { createHash } from 'node:crypto';

/** A service that clients are told of. */
export interface CatalogService {
  /** One of https://service-types.openstack.org/ such as `compute`. */
  readonly type: string;
  readonly name: string;
  readonly url: string;
}

export interface Catalog {
  readonly region: string;
  readonly services: readonly (CatalogService & { readonly id: string; readonly endpoints: readonly Endpoint[] })[];
}

export interface Endpoint {
  readonly id: string;
  readonly interface: string;
  readonly url: string;
}

const INTERFACES = ['public', 'internal', 'admin'] as const;

/** Ids are the same in all servers of the same config, and after every start. */
export const createCatalog = (region: string, services: readonly CatalogService[]): Catalog => ({
  region,
  services: services.map((service) => ({
    ...service,
    id: idFor('service', service.type, service.name),
    endpoints: INTERFACES.map((name) => ({
      id: idFor('endpoint', region, service.type, service.name, name),
      interface: name,
      url: service.url,
    })),
  })),
});

// eslint-disable-next-line eslint/max-params -- any number of parts of one name
const idFor = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 32);

/** As a token has it. */
export const renderCatalog = ({ region, services }: Catalog): readonly object[] =>
  services.map(({ id, type, name, endpoints }) => ({
    id,
    type,
    name,
    endpoints: endpoints.map((endpoint) => ({ ...endpoint, region, region_id: region })),
  }));

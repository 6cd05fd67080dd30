import { linksTo } from './links.js';
import type { Flavor } from './state/entities.js';

/** The first versions that show them. */
const DESCRIPTION = 55;
const EXTRA_SPECS = 61;
const NUMBERS = 75;

interface RenderOptions {
  readonly url: string;
  readonly minor: number;
}

export const renderFlavorBriefly = (
  { id, name, description }: Flavor,
  { url, minor }: RenderOptions,
): Record<string, unknown> => ({
  id,
  name,
  links: linksTo(`flavors/${id}`, url),
  ...(minor >= DESCRIPTION && { description: description ?? null }),
});

/** @param isWithSpecs whoever asks may see them. */
export const renderFlavor = (
  flavor: Flavor,
  { isWithSpecs, ...options }: RenderOptions & { readonly isWithSpecs: boolean },
): Record<string, unknown> => ({
  ...renderFlavorBriefly(flavor, options),
  ram: flavor.ram_mib,
  vcpus: flavor.vcpus,
  disk: flavor.disk_gib,
  swap: options.minor >= NUMBERS ? 0 : '',
  rxtx_factor: flavor.rxtx_factor,
  'OS-FLV-DISABLED:disabled': false,
  'OS-FLV-EXT-DATA:ephemeral': flavor.ephemeral_gib,
  'os-flavor-access:is_public': flavor.is_public,
  ...(options.minor >= EXTRA_SPECS && isWithSpecs && { extra_specs: flavor.extra_specs }),
});

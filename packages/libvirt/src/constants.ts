/**
 * libvirt's flag values, by their C names without the prefix: `VIR_DOMAIN_UNDEFINE_NVRAM` is `DomainUndefineFlags.NVRAM`.
 * Combine them with `|`.
 */
export * from './constants/domain.js';
export * from './constants/network.js';
export * from './constants/storage.js';

/** Conversions between the units of Placement, libvirt and people. The only file that multiplies by 1024. */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

const SUFFIXES: Readonly<Record<string, number>> = { K: KIB, M: MIB, G: GIB, T: 1024 * GIB };

export const gibToBytes = (gib: number): number => gib * GIB;
export const bytesToMiB = (bytes: number): number => Math.floor(bytes / MIB);
export const bytesToGiB = (bytes: number): number => Math.floor(bytes / GIB);
export const kibToMiB = (kib: number): number => Math.floor(kib / KIB);

/**
 * Reads a size such as `512`, `512M`, `2G`, `2GiB` or `1.5g`. A bare number counts in `bareUnit`; every suffix is binary,
 * because Placement's MEMORY_MB and DISK_GB are.
 *
 * @returns whole bytes, or undefined when the text is not a size above zero.
 */
export const parseBytes = (text: string, bareUnit: 'M' | 'G'): number | undefined => {
  const match = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(?:i?b)?)?$/i.exec(text.trim());
  if (!match) return undefined;
  const unit = SUFFIXES[(match[2] ?? bareUnit).toUpperCase()];
  const bytes = unit === undefined ? 0 : Number(match[1]) * unit;
  return Number.isSafeInteger(Math.round(bytes)) && bytes > 0 ? Math.round(bytes) : undefined;
};

/** Formats a byte count with at most one decimal, such as `1.4 GiB`. */
export const formatBytes = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= KIB && unit < units.length - 1) {
    value /= KIB;
    unit += 1;
  }
  return `${unit === 0 ? value : Number(value.toFixed(1))} ${units[unit]}`;
};

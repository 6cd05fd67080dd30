import { bytesToGiB, bytesToMiB, gibToBytes, MIB, parseBytes } from '@etcd-compute/common/units';
import { usageError } from './usage.js';

/* Amounts as people type them. Each parser throws a usage error that names the option, the value and what is expected. */

/** Placement stores amounts as 32 bit numbers. */
const MAX_AMOUNT = 2_147_483_647;

const refuse = (option: string, text: string, expected: string): Error =>
  usageError(`--${option} ${text === '' ? "''" : text} is not usable: expected ${expected}`, 'nothing has been sent');

export const parseWhole = (option: string, text: string, max = MAX_AMOUNT): number => {
  const value = /^\d+$/.test(text.trim()) ? Number(text) : 0;
  if (value < 1 || value > max) throw refuse(option, text, `a whole number from 1 to ${max}`);
  return value;
};

const MAX_LINES = 999_999_999;

/** A number of lines; none is one too. */
export const parseLines = (option: string, text: string): number => {
  const value = /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
  if (value === undefined) throw refuse(option, text, `a whole number from 0 to ${MAX_LINES}`);
  return value;
};

/** @param text `512`, `512M` or `2G`; whole MiB. */
export const parseMemoryMiB = (option: string, text: string): number => {
  const bytes = parseBytes(text, 'M');
  if (bytes === undefined || bytes % MIB !== 0 || bytesToMiB(bytes) > MAX_AMOUNT)
    throw refuse(option, text, 'an amount above zero in whole MiB, such as 512, 512M or 2G');
  return bytesToMiB(bytes);
};

/** @param text `10` or `10G`; whole GiB, because Placement counts disks so. */
export const parseDiskGiB = (option: string, text: string): number => {
  const bytes = parseBytes(text, 'G');
  if (bytes === undefined || bytes % gibToBytes(1) !== 0 || bytesToGiB(bytes) > MAX_AMOUNT)
    throw refuse(option, text, 'an amount above zero in whole GiB, such as 10, 10G or 1T');
  return bytesToGiB(bytes);
};

/** @param text seconds, such as `90` or `0.5`. */
export const parseSeconds = (option: string, text: string): number => {
  const value = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : 0;
  if (value <= 0 || value > 86_400) throw refuse(option, text, 'seconds above zero, at most 86400');
  return value;
};

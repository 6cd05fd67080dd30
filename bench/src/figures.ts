export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
};

export const seconds = (value: number): string => `${value.toFixed(2)} s`;

export const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Resident memory of a process, in MB as `ps` and /proc count them (1024 × 1024). */
export const formatMB = (kib: number): string => `${Math.round(kib / 1024)} MB`;

/** The least of the values that so many percent of them do not exceed. */
export const percentile = (values: readonly number[], percent: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
};

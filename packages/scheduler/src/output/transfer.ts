import type { Transfer } from '@etcd-compute/common/etcd/messages/instance-record';

const WIDTH = 20;

const formatDuration = (seconds: number): string =>
  seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;

/** How far a step is, with a bar and the time that is left where its end is known: `[#####-----] 5 MiB of 10 MiB, 1 MiB/s, 5 s left`. */
export const renderTransfer = (progress: string, transfer: Transfer | null | undefined): string => {
  if (!transfer || transfer.total_bytes === null || transfer.total_bytes === 0) return progress;
  const { bytes, total_bytes: total, bytes_per_second: rate } = transfer;
  const filled = Math.min(WIDTH, Math.floor((bytes / total) * WIDTH));
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(WIDTH - filled)}]`;
  const left =
    rate === null || rate === 0 ? '' : `, ${formatDuration(Math.ceil(Math.max(0, total - bytes) / rate))} left`;
  return `${bar} ${progress}${left}`;
};

import type { Transfer } from '@etcd-compute/common/etcd/messages/instance-record';
import { formatBytes } from '@etcd-compute/common/units';
import type { Progress } from './download.js';

/** For people: `120 MiB of 340 MiB, 12 MiB/s`. */
export const describeProgress = ({ phase, bytes, totalBytes, bytesPerSecond }: Progress): string => {
  const amount = totalBytes === null ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
  const rate = bytesPerSecond === null ? '' : `, ${formatBytes(Math.round(bytesPerSecond))}/s`;
  return `${phase === 'unpacking' ? 'unpacked ' : ''}${amount}${rate}`;
};

export const transferOf = ({ bytes, totalBytes, bytesPerSecond }: Progress): Transfer => ({
  bytes,
  total_bytes: totalBytes,
  bytes_per_second: bytesPerSecond === null ? null : Math.round(bytesPerSecond),
});

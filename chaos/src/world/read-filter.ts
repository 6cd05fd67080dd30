import { parseTable } from '@etcd-compute/agent/networks/nft';
import type { LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';

/** The sets of the guests' packet filter in the host's network namespace. The table is named after the guests' network. */
export const readFilter = async (
  libvirtd: Pick<LibvirtDaemon, 'netnsExec'>,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const { stdout } = await libvirtd.netnsExec(['nft', '-j', 'list', 'table', 'bridge', 'ecompute-ecompute']);
  return parseTable(stdout).sets;
};

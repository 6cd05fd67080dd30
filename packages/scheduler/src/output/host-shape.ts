import { describeDrain, describeTrouble } from '@etcd-compute/cloud/hosts/explain-agent';
import type { HostView } from '@etcd-compute/cloud/hosts/view';
import type { Shape } from './output.js';

/** `3/4`: used of what may be used. */
const use =
  (name: string) =>
  ({ resources }: HostView): string => {
    const inventory = resources[name];
    if (!inventory) return '-';
    const { total, reserved, used, allocationRatio } = inventory;
    return `${used}/${Math.floor((total - reserved) * allocationRatio)}`;
  };

/** `up`, `drained since 12:03:11 (new disks)`, `down, drained since ...`, `up, libvirt hangs since ...` */
const stateOf = ({ state, drain, trouble }: HostView): string => {
  const isDown = state === 'down';
  const first = drain && !isDown ? describeDrain(drain, { state }) : state;
  return [
    first,
    ...(drain && isDown ? [describeDrain(drain)] : []),
    ...(trouble ? [describeTrouble(trouble)] : []),
  ].join(', ');
};

export const hostShape: Shape<HostView> = {
  columns: [
    { title: 'NAME', cell: ({ name }) => name },
    { title: 'HOST', cell: ({ host }) => host },
    {
      title: 'STATE',
      cell: stateOf,
      isState: true,
    },
    { title: 'VCPU', cell: use('VCPU'), align: 'right' },
    { title: 'MEMORY_MB', cell: use('MEMORY_MB'), align: 'right' },
    { title: 'DISK_GB', cell: use('DISK_GB'), align: 'right' },
    { title: 'INSTANCES', cell: ({ instances }) => String(instances), align: 'right' },
  ],
  wideColumns: [
    { title: 'AGENT', cell: ({ agent }) => agent?.version ?? '-' },
    { title: 'STARTED', cell: ({ agent }) => agent?.startedAt ?? '-' },
    { title: 'TRAITS', cell: ({ traits }) => traits.join(',') || '-' },
    { title: 'TROUBLE', cell: ({ trouble }) => trouble?.message ?? '-' },
  ],
  id: ({ host }) => host,
  none: 'no hosts: start `ecompute` on one',
};

import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import { instanceShape } from './instance-shape.js';
import type { Shape } from './output.js';

/** How an instance that cannot be moved leaves its host. */
const wayOut = ({ name, instance, state, locked }: InstanceView): string => {
  const which = name ?? instance;
  if (state === 'deleting') return 'it is being destroyed';
  return `eschedule ${locked ? `unlock ${which}, then ` : ''}destroy ${which}`;
};

/** What is left on a host that is drained. */
export const stayingShape: Shape<InstanceView> = {
  ...instanceShape,
  columns: [
    ...instanceShape.columns.filter(({ title }) => ['NAME', 'INSTANCE', 'STATE'].includes(title)),
    { title: 'WAY OUT', cell: wayOut },
  ],
  none: 'nothing is on the host',
};

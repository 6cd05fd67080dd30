import type { Staying } from '@etcd-compute/cloud/hosts/drain';
import { instanceShape } from './instance-shape.js';
import type { Shape } from './output.js';

/** What is left on a host that is drained. */
export const stayingShape: Shape<Staying> = {
  ...instanceShape,
  columns: [
    ...instanceShape.columns.filter(({ title }) => ['NAME', 'INSTANCE', 'STATE'].includes(title)),
    { title: 'REASON', cell: ({ reason }) => reason.replaceAll(/\s*\n\s*/g, '; ') },
  ],
  none: 'nothing is on the host',
};

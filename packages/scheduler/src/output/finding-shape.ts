import { formatTime } from '@etcd-compute/common/format-time';
import type { FindingView } from './finding-view.js';
import type { Shape } from './output.js';

export const findingShape: Shape<FindingView> = {
  columns: [
    { title: 'KIND', cell: ({ kind }) => kind },
    { title: 'INSTANCE', cell: ({ instance }) => instance ?? '-' },
    { title: 'HOST', cell: ({ hostName, host }) => hostName ?? host ?? '-' },
    { title: 'AGENT', cell: ({ agent }) => agent ?? '-', isState: true },
    { title: 'STATE', cell: ({ state }) => state },
    { title: 'REMEDY', cell: ({ remedy }) => remedy },
  ],
  wideColumns: [
    { title: 'SINCE', cell: ({ since }) => formatTime(since) },
    { title: 'REPORTED', cell: ({ reportedAt }) => formatTime(reportedAt) },
    { title: 'DETAIL', cell: ({ detail }) => detail },
  ],
  id: ({ instance, host }) => instance ?? host ?? '',
  none: 'nothing is amiss',
};

import { nicsOf as nicsOfRecord, type InstanceView } from '@etcd-compute/cloud/instances/view';
import type { Report } from '../state/report.js';

/** The interfaces of a server, with the addresses that are known of each. */
export const nicsOf = (report: Report | undefined): NonNullable<InstanceView['nics']> =>
  (report && nicsOfRecord(report)) ?? [];

import { instanceRecordSchema } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Change, MirrorIndex } from '@etcd-compute/common/etcd/mirror';
import { parseJson } from '@etcd-compute/common/parse-json';
import { reportOf, type Report } from './report.js';

/** What the agents say of all instances. */
export class ReportIndex implements MirrorIndex {
  readonly #reports = new Map<string, Report>();
  readonly #onChange: (instance: string) => void;

  constructor(onChange: (instance: string) => void) {
    this.#onChange = onChange;
  }

  apply({ key, value }: Change): void {
    const [host, instance] = key.split('/');
    if (instance === undefined) return;
    const record = value === undefined ? undefined : parseJson(instanceRecordSchema, value);
    if (record) this.#reports.set(instance, reportOf(record));
    // One that goes to another host is put there, and deleted here, in one txn.
    else if (this.#reports.get(instance)?.host === host) this.#reports.delete(instance);
    this.#onChange(instance);
  }

  get(instance: string): Report | undefined {
    return this.#reports.get(instance);
  }
}

import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Logger } from '@etcd-compute/common/log';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import type { AddressWatch, Look } from '../addresses/address-watch.js';
import { arrangeAddresses, wordsOf, type Answers, type Source } from '../addresses/answer.js';
import { bootedWrites, type BootedDeps } from './booted.js';
import type { RecordWriter } from './record-writer.js';

export interface RefreshDeps extends BootedDeps {
  readonly addresses: AddressWatch;
  readonly log: Logger;
}

/** What a record says of a guest that does not run, or has just been started: what it had may not be its own any more. */
export const NO_ADDRESSES = { addresses: [], address_sources: null } satisfies Partial<InstanceRecord>;

/**
 * When the guest was started, as far as the record knows: a lease of an earlier guest with the same MAC does not count. A guest whose
 * domain was lost and came back may have run all the time.
 */
export const startedAfter = ({ transitions, created_at }: InstanceRecord): Date => {
  const isStart = (index: number): boolean =>
    transitions[index]?.state === 'active' && transitions[index - 1]?.state !== 'error';
  const last = transitions.findLastIndex((_transition, index) => isStart(index));
  // What came before is noted before the guest is started.
  const { at } = transitions[last - 1] ?? transitions[last] ?? { at: created_at };
  return new Date(at);
};

/** Until a source has answered, what it said last stands: this agent may have been started a moment ago. */
const withRecord = ({ answers }: Look, record: InstanceRecord): Answers => {
  const pending = (['lease', 'agent', 'arp'] as const).filter((source) => answers[source] === 'pending');
  const stored = (source: Source): Answers => {
    const said = record.address_sources?.[source];
    if (said === undefined) return {};
    return { [source]: { said, addresses: record.addresses.filter((address) => address.source === source) } };
  };
  return Object.assign({}, answers, ...pending.map(stored));
};

const GONE = 'the lease is gone';

/** A guest that had a lease did not wait for one in vain. */
const sayGone = (
  words: Record<string, string>,
  { address_sources: before }: InstanceRecord,
): Record<string, string> => {
  const hadLease = before?.['lease'] === 'found' || before?.['lease'] === GONE;
  return hadLease && words['lease'] !== 'found' && words['lease'] !== undefined ? { ...words, lease: GONE } : words;
};

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * Brings the addresses in the record, and the first one at `/booted`, to what the sources say now. Nothing is written when
 * nothing changed. A guest without an address stays active, and the record says which sources were asked.
 */
export const refreshAddresses = async (deps: RefreshDeps, writer: RecordWriter): Promise<void> => {
  const { addresses: watch, log } = deps;
  const { record } = writer;
  const { instance } = record;
  let look: Look;
  try {
    look = await watch.look(instance, startedAfter(record));
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_DOMAIN')) return; // it went in between: its event comes
    throw err;
  }
  const answers = withRecord(look, record);
  const addresses = arrangeAddresses(look.macs, answers);
  // A person waits until there is an address, or the time to wait for one is over.
  if (addresses.length === 0 && look.isYoung && record.address_sources === null) return;
  const words = sayGone(wordsOf(answers), record);
  const before = record.addresses.map(({ address, family, mac, source }) => ({ address, family, mac, source }));
  const hasChanged = !isSame(before, addresses);
  if (!hasChanged && isSame(inOrder(record.address_sources), inOrder(words))) return;
  const also = hasChanged ? bootedWrites(deps, instance, addresses[0]?.address) : [];
  await writer.update({ addresses, address_sources: words }, { also });
  const texts = addresses.map(({ address }) => address);
  if (addresses.length > 0) {
    if (hasChanged)
      log.info(
        { instanceUuid: instance, addresses: texts },
        before.length === 0 ? 'address found' : 'addresses changed',
      );
  } else if (hasChanged || record.address_sources === null)
    log.warn({ instanceUuid: instance, sources: words }, 'guest has no address');
};

/** etcd keeps the order of a record's members; another agent may have another. */
const inOrder = (words: Record<string, string> | null): unknown =>
  words && ['lease', 'agent', 'arp'].map((source) => words[source]);

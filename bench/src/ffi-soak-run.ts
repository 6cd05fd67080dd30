/** One soak in a process of its own: prints a line of JSON, then ends by itself. How it ends is part of the result. */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { MessageChannel, Worker } from 'node:worker_threads';
import { connect } from '@etcd-compute/libvirt/connection';
import type { FfiName } from './ffi-soak-bindings.js';
import type { SoakThreadData, SoakThreadMessage } from './ffi-soak-thread.js';

export interface SoakResult {
  readonly microsecondsPerPair: number;
  readonly events: number;
  readonly peakMiB: number;
}

const { values } = parseArgs({
  options: {
    ffi: { type: 'string', default: 'koffi' },
    pairs: { type: 'string', default: '40000' },
    directory: { type: 'string', default: '.' },
  },
});
const pairs = Number(values.pairs);

function print(result: Omit<SoakResult, 'peakMiB'>): void {
  const peakMiB = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ ...result, peakMiB })}\n`);
}

async function message(worker: Worker): Promise<SoakThreadMessage> {
  const [received]: SoakThreadMessage[] = await once(worker, 'message');
  if (received === undefined) throw new Error('a soak thread sent nothing');
  return received;
}

async function soakFfi(ffi: FfiName): Promise<void> {
  const file = new URL('ffi-soak-thread.js', import.meta.url);
  const { port1, port2 } = new MessageChannel();
  const common = { ffi, pairs, directory: values.directory };
  const eventsData: SoakThreadData = { ...common, role: 'events', stop: port2 };
  const events = new Worker(file, { workerData: eventsData, transferList: [port2] });
  await message(events);
  const callsData: SoakThreadData = { ...common, role: 'calls' };
  const done = await message(new Worker(file, { workerData: callsData }));
  const stopping = message(events);
  port1.postMessage('stop');
  const stopped = await stopping;
  port1.close();
  if (done.kind !== 'done' || stopped.kind !== 'stopped') throw new Error('the soak threads did not end as expected');
  print({ microsecondsPerPair: done.microsecondsPerPair, events: stopped.events });
}

/** The same pairs through this project's binding: every call is a message to a call thread and back. */
async function soakBinding(): Promise<void> {
  const xml = "<domain type='test'><name>soak</name><memory>8192</memory><os><type>hvm</type></os></domain>";
  const connection = await connect('test:///default');
  let events = 0;
  await connection.onDomainLifecycle(() => (events += 1));
  const startedAt = performance.now();
  for (let pair = 0; pair < pairs; pair += 1) {
    await using domain = await connection.domainCreateXML(xml);
    await domain.destroy();
  }
  const microsecondsPerPair = ((performance.now() - startedAt) * 1000) / pairs;
  await connection.close(); // tells the last events
  print({ microsecondsPerPair, events });
}

if (values.ffi === 'koffi' || values.ffi === 'ffi-napi') await soakFfi(values.ffi);
else await soakBinding();

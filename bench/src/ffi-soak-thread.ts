/** One of the two worker threads of the soak: libvirt's event loop, or the calls. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { loadLibvirt } from './ffi-soak-bindings.js';
import type { FfiName, Libvirt } from './ffi-soak-bindings.js';

export interface SoakThreadData {
  readonly role: 'events' | 'calls';
  readonly ffi: FfiName;
  readonly directory: string;
  readonly pairs: number;
  /** Its other end says when the event loop is to stop. */
  readonly stop?: MessagePort;
}

export type SoakThreadMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly microsecondsPerPair: number }
  | { readonly kind: 'stopped'; readonly events: number };

const URI = 'test:///default';
const TURN_MS = 50;
const XML = "<domain type='test'><name>soak</name><memory>8192</memory><os><type>hvm</type></os></domain>";

async function runEvents(
  libvirt: Libvirt,
  stop: MessagePort,
  report: (message: SoakThreadMessage) => void,
): Promise<void> {
  libvirt.registerEventLoop();
  libvirt.addTimeout(TURN_MS);
  const connection = libvirt.open(URI);
  let events = 0;
  libvirt.onDomainEvent(connection, () => (events += 1));
  report({ kind: 'ready' });
  while (receiveMessageOnPort(stop) === undefined) {
    libvirt.runEventLoop();
    await nextTurn();
  }
  libvirt.close(connection);
  report({ kind: 'stopped', events });
}

function runCalls(libvirt: Libvirt, pairs: number, report: (message: SoakThreadMessage) => void): void {
  const connection = libvirt.open(URI);
  const startedAt = performance.now();
  for (let pair = 0; pair < pairs; pair += 1) {
    const domain = libvirt.createDomain(connection, XML);
    libvirt.destroyDomain(domain);
    libvirt.freeDomain(domain);
  }
  const microsecondsPerPair = ((performance.now() - startedAt) * 1000) / pairs;
  libvirt.close(connection);
  report({ kind: 'done', microsecondsPerPair });
}

const data: SoakThreadData = workerData;
const port = parentPort;
if (port === null) throw new Error('ffi-soak-thread runs only as a worker thread');
const report = (message: SoakThreadMessage): void => port.postMessage(message);
const libvirt = loadLibvirt(data.ffi, data.directory);
if (data.role === 'calls') runCalls(libvirt, data.pairs, report);
else if (data.stop !== undefined) await runEvents(libvirt, data.stop, report);

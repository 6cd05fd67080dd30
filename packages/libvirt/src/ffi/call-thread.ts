/**
 * A call thread: runs one libvirt call at a time, synchronously, and reads its error in the same breath.
 * It holds no state between calls, so any call may run on any of them.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { calls } from './call-table.js';
import { CallFailure } from './failure.js';
import { CallFlag } from './messages.js';
import { silenceErrorPrinting } from './silence.js';
import type { CallReply, CallRequest, CallThreadCommand } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('call-thread runs only as a worker thread');
const { flags }: { flags: Int32Array } = workerData; // given by CallThread, the only one to start this file

function endCall(): void {
  Atomics.sub(flags, CallFlag.RUNNING_CALLS, 1);
  Atomics.notify(flags, CallFlag.RUNNING_CALLS);
}

function run(request: CallRequest): CallReply {
  Atomics.add(flags, CallFlag.RUNNING_CALLS, 1);
  try {
    // Looked at after the count went up: the main thread sees either the call or no call, never one that begins later.
    if (Atomics.load(flags, CallFlag.IS_ENDING) === 1) throw new Error('the process is ending');
    // The arguments were checked where the call was made, by CallPool.run's types.
    return { kind: 'result', value: Reflect.apply(calls[request.name], undefined, request.args) };
  } catch (error) {
    return error instanceof CallFailure ? { kind: 'failure', failure: error.fields } : { kind: 'defect', error };
  } finally {
    endCall();
  }
}

port.on('message', (command: CallThreadCommand) => {
  if (command.kind === 'stop') port.close();
  else port.postMessage(run(command));
});

try {
  silenceErrorPrinting();
} finally {
  endCall(); // the start of this thread, which CallThread counted
}

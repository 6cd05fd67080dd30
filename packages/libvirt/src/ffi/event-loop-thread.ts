/**
 * The event loop thread: one per process, because libvirt has one event loop per process. Keepalive, the close
 * callback, domain and network events and console streams live here.
 *
 *   turn: virEventRunDefaultImpl (waits for a descriptor, a timer or the wake-up) -> commands -> JavaScript -> turn
 *
 * It must run virEventRegisterDefaultImpl before any connection opens; the main thread waits for `ready`.
 * Nothing here may wait for an RPC: a daemon that hangs would stop the keepalive that is to find it out.
 */
import { readSync, writeSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import koffi from 'koffi';
import type { MessagePort } from 'node:worker_threads';
import { registerEventCallbacks } from './event-callbacks.js';
import { succeed, takeLastError } from './failure.js';
import * as event from './headers/event.js';
import { eventfd, exitImmediately } from './headers/libc.js';
import { EventLoopFlag, EventLoopPhase } from './messages.js';
import { silenceErrorPrinting } from './silence.js';
import { StreamPump } from './stream-pump.js';
import type { EventLoopCommand, EventLoopMessage } from './messages.js';
import { asPointer } from './pointers.js';
import type { CallbackPointer } from './pointers.js';

/** How long a callback that another thread has to call waits at most (see event-callbacks). */
const LONGEST_TURN_MS = 200;
const HANDLE_READABLE = 1;

const port = parentPort;
if (port === null) throw new Error('event-loop-thread runs only as a worker thread');
// Given by EventLoop, the only one to start this file.
const { commands, flags }: { commands: MessagePort; flags: Int32Array } = workerData;

const report = (message: EventLoopMessage): void => port.postMessage(message);

const streams = new StreamPump(report);
/** Who waits for the end of the next turn: events queued before the question are told in it at the latest. */
let flushes: number[] = [];
let isStopping = false;

function obey(command: EventLoopCommand): void {
  switch (command.kind) {
    case 'stop':
      isStopping = true;
      break;
    case 'flush':
      flushes.push(command.token);
      wake(); // or the turn that answers could wait
      break;
    case 'exit-process':
      exitImmediately(command.code);
      break;
    case 'collect-garbage':
      globalThis.gc?.();
      break;
    case 'stream-attach':
      streams.attach(command.token, command.pointer);
      break;
    case 'stream-read':
      streams.read(command.token);
      break;
    case 'stream-write':
      streams.write(command.token, command.data);
      break;
    case 'stream-detach':
      streams.detach(command.token);
      break;
  }
}

function enter(phase: number): void {
  Atomics.store(flags, EventLoopFlag.PHASE, phase);
  Atomics.notify(flags, EventLoopFlag.PHASE);
}

function turn(): void {
  if (event.virEventRunDefaultImpl() < 0) throw takeLastError('virEventRunDefaultImpl');
  for (const token of flushes) report({ kind: 'flushed', token });
  flushes = [];
  for (let next = receiveMessageOnPort(commands); next !== undefined; next = receiveMessageOnPort(commands)) {
    const command: EventLoopCommand = next.message;
    obey(command);
  }
  if (!isStopping) {
    setImmediate(turn);
    return;
  }
  enter(EventLoopPhase.STOPPED);
}

function callback(body: () => void, prototype: string): CallbackPointer {
  return asPointer(koffi.register(body, koffi.pointer(koffi.proto(prototype))));
}

silenceErrorPrinting();
succeed(event.virEventRegisterDefaultImpl);

const wakeFileDescriptor = eventfd();
const wakeBuffer = Buffer.alloc(8);
const wake = (): unknown => writeSync(wakeFileDescriptor, new BigUint64Array([1n]));
const onWake = callback(
  () => readSync(wakeFileDescriptor, wakeBuffer),
  'void Wake(int watch, int fd, int events, void *opaque)',
);
succeed(event.virEventAddHandle, wakeFileDescriptor, HANDLE_READABLE, onWake, null, null);
const onTimeout = callback(() => undefined, 'void Turn(int timer, void *opaque)');
succeed(event.virEventAddTimeout, LONGEST_TURN_MS, onTimeout, null, null);

const callbacks = registerEventCallbacks(report);
Atomics.store(flags, EventLoopFlag.WAKE_FILE_DESCRIPTOR, wakeFileDescriptor);
enter(EventLoopPhase.RUNNING);
report({ kind: 'ready', callbacks });
turn();

/** What crosses between the threads. Types only: the main thread never loads libvirt. */
import type { CallName } from './call-table.js';
import type { CallFailureFields } from './failure.js';
import type { CallbackPointer, StreamPointer } from './pointers.js';

export interface CallRequest {
  readonly kind: 'call';
  readonly name: CallName;
  readonly args: readonly unknown[];
}

export type CallThreadCommand = CallRequest | { readonly kind: 'stop' };

export type CallReply =
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'failure'; readonly failure: CallFailureFields }
  | { readonly kind: 'defect'; readonly error: unknown };

/**
 * One word per flag in the memory that the call threads share with the main thread. A call thread that starts counts as
 * a running call: neither may be torn down under native code.
 */
export const CallFlag = { RUNNING_CALLS: 0, IS_ENDING: 1, COUNT: 2 } as const;

/** The event loop's callbacks, by what they report. */
export interface EventCallbacks {
  readonly connectionClosed: CallbackPointer;
  readonly domainLifecycle: CallbackPointer;
  readonly domainReboot: CallbackPointer;
  readonly domainAgentLifecycle: CallbackPointer;
  readonly networkLifecycle: CallbackPointer;
}

export interface EventLoopReady {
  readonly kind: 'ready';
  readonly callbacks: EventCallbacks;
}

/** Something happened; `token` is the number that the callback was registered with. */
export type EventReport =
  | { readonly kind: 'connection-closed'; readonly token: number; readonly reason: number }
  | {
      readonly kind: 'domain-lifecycle';
      readonly token: number;
      readonly uuid: string;
      readonly name: string;
      readonly event: number;
      readonly detail: number;
    }
  | { readonly kind: 'domain-reboot'; readonly token: number; readonly uuid: string; readonly name: string }
  | {
      readonly kind: 'domain-agent-lifecycle';
      readonly token: number;
      readonly uuid: string;
      readonly name: string;
      readonly state: number;
    }
  | {
      readonly kind: 'network-lifecycle';
      readonly token: number;
      readonly uuid: string;
      readonly name: string;
      readonly event: number;
    }
  | { readonly kind: 'stream-data'; readonly token: number; readonly data: Uint8Array }
  | { readonly kind: 'stream-end'; readonly token: number }
  | { readonly kind: 'stream-written'; readonly token: number }
  | { readonly kind: 'stream-failed'; readonly token: number; readonly failure: CallFailureFields }
  | { readonly kind: 'stream-detached'; readonly token: number }
  | { readonly kind: 'flushed'; readonly token: number };

export type EventLoopMessage = EventLoopReady | EventReport;

export type EventLoopCommand =
  | { readonly kind: 'stop' }
  /** Answered with `flushed` once all that libvirt had to tell by now was told. */
  | { readonly kind: 'flush'; readonly token: number }
  | { readonly kind: 'exit-process'; readonly code: number }
  /** Nothing happens where Node runs without --expose-gc. */
  | { readonly kind: 'collect-garbage' }
  | { readonly kind: 'stream-attach'; readonly token: number; readonly pointer: StreamPointer }
  | { readonly kind: 'stream-read'; readonly token: number }
  | { readonly kind: 'stream-write'; readonly token: number; readonly data: Uint8Array }
  | { readonly kind: 'stream-detach'; readonly token: number };

/** One word per flag in the memory that the event loop thread shares with the main thread. */
export const EventLoopFlag = {
  /** One of `EventLoopPhase`. */
  PHASE: 0,
  /** An eventfd, once the loop runs; a write makes it look at its commands. */
  WAKE_FILE_DESCRIPTOR: 1,
  COUNT: 2,
} as const;

export const EventLoopPhase = { STARTING: 0, RUNNING: 1, STOPPED: 2 } as const;

/** Event subscriptions of a connection. Registering is a call like any other; the reports come from the event loop. */
import { domainEventName, networkEventName } from './domain-names.js';
import type { DomainEvent, NetworkEvent } from './domain-names.js';
import { LibvirtError, ReleasedError } from './errors.js';
import type { EventReport } from './ffi/messages.js';
import type { CallbackPointer } from './ffi/pointers.js';
import type { Scope } from './scope.js';

/** Ends with `close()`, which may be repeated, or with its connection. */
export interface Subscription extends AsyncDisposable {
  close(): Promise<void>;
}

export interface DomainLifecycleEvent {
  readonly uuid: string;
  readonly name: string;
  readonly event: DomainEvent;
  /** Why, such as `destroyed` for `stopped`. */
  readonly detail: string;
}

export interface DomainRebootEvent {
  readonly uuid: string;
  readonly name: string;
}

export interface NetworkLifecycleEvent {
  readonly uuid: string;
  readonly name: string;
  readonly event: NetworkEvent;
}

interface EventSource {
  readonly register: 'domainEventRegister' | 'networkEventRegister';
  readonly deregister: 'domainEventDeregister' | 'networkEventDeregister';
  readonly eventId: number;
  readonly callback: CallbackPointer;
}

async function subscribe(
  scope: Scope,
  source: EventSource,
  handler: (report: EventReport) => void,
): Promise<Subscription> {
  const { events } = scope.runtime;
  const token = events.subscribe(handler);
  try {
    const callbackId = await scope.connection.call(source.register, [source.eventId, source.callback, token]);
    let closing: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      scope.closers.delete(close);
      events.unsubscribe(token);
      try {
        await scope.connection.call(source.deregister, [callbackId]);
      } catch (error) {
        // libvirt drops the callback before it tells the daemon; a daemon that is gone cannot be told, and need not be.
        if (!(error instanceof LibvirtError || error instanceof ReleasedError)) throw error;
      }
    };
    const close = (): Promise<void> => (closing ??= end());
    scope.closers.add(close);
    return { close, [Symbol.asyncDispose]: close };
  } catch (error) {
    events.unsubscribe(token);
    throw error;
  }
}

export function subscribeDomainLifecycle(
  scope: Scope,
  handler: (event: DomainLifecycleEvent) => void,
): Promise<Subscription> {
  const source = {
    register: 'domainEventRegister',
    deregister: 'domainEventDeregister',
    eventId: 0, // VIR_DOMAIN_EVENT_ID_LIFECYCLE
    callback: scope.runtime.events.callbacks.domainLifecycle,
  } as const;
  return subscribe(scope, source, (report) => {
    if (report.kind !== 'domain-lifecycle') return;
    const named = domainEventName(report.event, report.detail);
    if (named !== undefined) handler({ uuid: report.uuid, name: report.name, ...named });
  });
}

export function subscribeDomainReboot(
  scope: Scope,
  handler: (event: DomainRebootEvent) => void,
): Promise<Subscription> {
  const source = {
    register: 'domainEventRegister',
    deregister: 'domainEventDeregister',
    eventId: 1, // VIR_DOMAIN_EVENT_ID_REBOOT
    callback: scope.runtime.events.callbacks.domainReboot,
  } as const;
  return subscribe(scope, source, (report) => {
    if (report.kind === 'domain-reboot') handler({ uuid: report.uuid, name: report.name });
  });
}

export function subscribeNetworkLifecycle(
  scope: Scope,
  handler: (event: NetworkLifecycleEvent) => void,
): Promise<Subscription> {
  const source = {
    register: 'networkEventRegister',
    deregister: 'networkEventDeregister',
    eventId: 0, // VIR_NETWORK_EVENT_ID_LIFECYCLE
    callback: scope.runtime.events.callbacks.networkLifecycle,
  } as const;
  return subscribe(scope, source, (report) => {
    if (report.kind !== 'network-lifecycle') return;
    const event = networkEventName(report.event);
    if (event !== undefined) handler({ uuid: report.uuid, name: report.name, event });
  });
}

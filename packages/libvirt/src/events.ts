/** The kinds of events that a connection tells: https://libvirt.org/html/libvirt-libvirt-domain.html#virDomainEventID */
import { domainEventName, networkEventName } from './domain-names.js';
import type { DomainEvent, NetworkEvent } from './domain-names.js';
import { EventFeed } from './event-feed.js';
import type { EventSource } from './event-feed.js';
import type { Scope } from './scope.js';

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

export interface ConnectionEvents {
  readonly domainLifecycle: EventFeed<DomainLifecycleEvent>;
  readonly domainReboot: EventFeed<DomainRebootEvent>;
  readonly networkLifecycle: EventFeed<NetworkLifecycleEvent>;
}

const DOMAIN_EVENTS = { register: 'domainEventRegister', deregister: 'domainEventDeregister' } as const;
const NETWORK_EVENTS = { register: 'networkEventRegister', deregister: 'networkEventDeregister' } as const;

export function connectionEvents(scope: Scope): ConnectionEvents {
  const { callbacks } = scope.runtime;
  const domainLifecycle: EventSource<DomainLifecycleEvent> = {
    ...DOMAIN_EVENTS,
    eventId: 0, // VIR_DOMAIN_EVENT_ID_LIFECYCLE
    callback: callbacks.domainLifecycle,
    read(report) {
      if (report.kind !== 'domain-lifecycle') return undefined;
      const named = domainEventName(report.event, report.detail);
      return named && { uuid: report.uuid, name: report.name, ...named };
    },
  };
  const domainReboot: EventSource<DomainRebootEvent> = {
    ...DOMAIN_EVENTS,
    eventId: 1, // VIR_DOMAIN_EVENT_ID_REBOOT
    callback: callbacks.domainReboot,
    read: (report) => (report.kind === 'domain-reboot' ? { uuid: report.uuid, name: report.name } : undefined),
  };
  const networkLifecycle: EventSource<NetworkLifecycleEvent> = {
    ...NETWORK_EVENTS,
    eventId: 0, // VIR_NETWORK_EVENT_ID_LIFECYCLE
    callback: callbacks.networkLifecycle,
    read(report) {
      const event = report.kind === 'network-lifecycle' ? networkEventName(report.event) : undefined;
      return report.kind === 'network-lifecycle' && event ? { uuid: report.uuid, name: report.name, event } : undefined;
    },
  };
  return {
    domainLifecycle: new EventFeed(scope, domainLifecycle),
    domainReboot: new EventFeed(scope, domainReboot),
    networkLifecycle: new EventFeed(scope, networkLifecycle),
  };
}

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

/** The guest's agent came, or went. */
export interface DomainAgentLifecycleEvent {
  readonly uuid: string;
  readonly name: string;
  readonly isConnected: boolean;
}

export interface NetworkLifecycleEvent {
  readonly uuid: string;
  readonly name: string;
  readonly event: NetworkEvent;
}

export interface ConnectionEvents {
  readonly domainLifecycle: EventFeed<DomainLifecycleEvent>;
  readonly domainReboot: EventFeed<DomainRebootEvent>;
  readonly domainAgentLifecycle: EventFeed<DomainAgentLifecycleEvent>;
  readonly networkLifecycle: EventFeed<NetworkLifecycleEvent>;
}

/** virConnectDomainEventAgentLifecycleState. */
const AGENT_CONNECTED = 1;

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
  const domainAgentLifecycle: EventSource<DomainAgentLifecycleEvent> = {
    ...DOMAIN_EVENTS,
    eventId: 18, // VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE
    callback: callbacks.domainAgentLifecycle,
    read(report) {
      if (report.kind !== 'domain-agent-lifecycle') return undefined;
      return { uuid: report.uuid, name: report.name, isConnected: report.state === AGENT_CONNECTED };
    },
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
    domainAgentLifecycle: new EventFeed(scope, domainAgentLifecycle),
    networkLifecycle: new EventFeed(scope, networkLifecycle),
  };
}

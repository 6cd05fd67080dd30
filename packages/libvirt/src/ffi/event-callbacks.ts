/**
 * The functions that libvirt calls when something happens. They are registered in the event loop thread, which is the
 * only thread that can run them, and tell subscriptions apart by the token in the opaque pointer.
 *
 * The close callback can be called by a call thread, in the middle of a call that finds the connection dead. koffi then
 * makes that thread wait until the event loop thread turns to JavaScript, which it does at least every LONGEST_TURN_MS.
 */
import koffi from 'koffi';
import { virDomainGetName, virDomainGetUUIDString } from './headers/domain.js';
import { virNetworkGetName, virNetworkGetUUIDString } from './headers/network.js';
import { readUuid } from './uuid.js';
import type { EventCallbacks, EventReport } from './messages.js';
import { asPointer } from './pointers.js';
import type { CallbackPointer, DomainPointer, NetworkPointer } from './pointers.js';

type Report = (report: EventReport) => void;
type Opaque = bigint | null;

function register(callback: (...args: never[]) => unknown, prototype: string): CallbackPointer {
  return asPointer(koffi.register(callback, koffi.pointer(koffi.proto(prototype))));
}

const token = (opaque: Opaque): number => Number(opaque ?? 0n);

const ofDomain = (domain: DomainPointer): { uuid: string; name: string } => ({
  uuid: readUuid(virDomainGetUUIDString, domain),
  name: virDomainGetName(domain) ?? '',
});

const ofNetwork = (network: NetworkPointer): { uuid: string; name: string } => ({
  uuid: readUuid(virNetworkGetUUIDString, network),
  name: virNetworkGetName(network) ?? '',
});

export function registerEventCallbacks(report: Report): EventCallbacks {
  return {
    connectionClosed: register((_connection: bigint, reason: number, opaque: Opaque) => {
      report({ kind: 'connection-closed', token: token(opaque), reason });
    }, 'void ConnectionClosed(void *conn, int reason, void *opaque)'),

    domainLifecycle: register(
      (_connection: bigint, domain: DomainPointer, event: number, detail: number, opaque: Opaque) => {
        report({ kind: 'domain-lifecycle', token: token(opaque), ...ofDomain(domain), event, detail });
        return 0;
      },
      'int DomainLifecycle(void *conn, void *dom, int event, int detail, void *opaque)',
    ),

    domainReboot: register((_connection: bigint, domain: DomainPointer, opaque: Opaque) => {
      report({ kind: 'domain-reboot', token: token(opaque), ...ofDomain(domain) });
    }, 'void DomainReboot(void *conn, void *dom, void *opaque)'),

    domainAgentLifecycle: register(
      (_connection: bigint, domain: DomainPointer, state: number, _reason: number, opaque: Opaque) => {
        report({ kind: 'domain-agent-lifecycle', token: token(opaque), ...ofDomain(domain), state });
      },
      'void DomainAgentLifecycle(void *conn, void *dom, int state, int reason, void *opaque)',
    ),

    networkLifecycle: register(
      (_connection: bigint, network: NetworkPointer, event: number, _detail: number, opaque: Opaque) => {
        report({ kind: 'network-lifecycle', token: token(opaque), ...ofNetwork(network), event });
      },
      'void NetworkLifecycle(void *conn, void *net, int event, int detail, void *opaque)',
    ),
  };
}

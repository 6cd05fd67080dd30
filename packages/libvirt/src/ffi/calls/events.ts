/**
 * Registering is an RPC, so it runs on a call thread like any other call. The callbacks belong to the event loop
 * thread; `token` travels as the callback's opaque pointer, which nobody dereferences, and comes back with each event.
 */
import * as domain from '../headers/domain.js';
import * as network from '../headers/network.js';
import { succeed } from '../failure.js';
import type { CallbackPointer, ConnectionPointer } from '../pointers.js';

export function domainEventRegister(
  connection: ConnectionPointer,
  eventId: number,
  callback: CallbackPointer,
  token: number,
): number {
  return succeed(domain.virConnectDomainEventRegisterAny, connection, null, eventId, callback, BigInt(token), null);
}

export function domainEventDeregister(connection: ConnectionPointer, callbackId: number): void {
  succeed(domain.virConnectDomainEventDeregisterAny, connection, callbackId);
}

export function networkEventRegister(
  connection: ConnectionPointer,
  eventId: number,
  callback: CallbackPointer,
  token: number,
): number {
  return succeed(network.virConnectNetworkEventRegisterAny, connection, null, eventId, callback, BigInt(token), null);
}

export function networkEventDeregister(connection: ConnectionPointer, callbackId: number): void {
  succeed(network.virConnectNetworkEventDeregisterAny, connection, callbackId);
}

import * as header from '../headers/domain.js';
import { obtain, succeed } from '../failure.js';
import {
  decodeStruct,
  decodeStructs,
  decodeText,
  filled,
  filledArray,
  stored,
  takePointers,
  takeString,
} from '../structs.js';
import type { DomainPointer } from '../pointers.js';

export interface InterfaceWithAddresses {
  readonly name: string;
  readonly mac: string | null;
  readonly addresses: { readonly address: string; readonly type: number; readonly prefix: number }[];
}

/** What virDomainGetID answers for a domain that does not run: (unsigned int)-1. */
const NO_ID = 0xffffffff;

export function domainGetID(pointer: DomainPointer): number | null {
  const id = header.virDomainGetID(pointer);
  return id === NO_ID ? null : id;
}

export function domainGetState(pointer: DomainPointer): { state: number; reason: number } {
  const state: [number] = [0];
  const reason: [number] = [0];
  succeed(header.virDomainGetState, pointer, state, reason, 0);
  return { state: state[0], reason: reason[0] };
}

export function domainGetInfo(pointer: DomainPointer): header.VirDomainInfo {
  return filled<header.VirDomainInfo>((info) => succeed(header.virDomainGetInfo, pointer, info));
}

export function domainGetControlInfo(pointer: DomainPointer): header.VirDomainControlInfo {
  return filled<header.VirDomainControlInfo>((info) => succeed(header.virDomainGetControlInfo, pointer, info, 0));
}

export function domainGetDiskErrors(pointer: DomainPointer): { disk: string; error: number }[] {
  const disks = succeed(header.virDomainGetDiskErrors, pointer, null, 0, 0);
  const errors = filledArray<header.VirDomainDiskError>(header.virDomainDiskError, disks, (array) =>
    succeed(header.virDomainGetDiskErrors, pointer, array, disks, 0),
  );
  return errors.map(({ disk, error }) => ({ disk: takeString(disk), error }));
}

export function domainGetXMLDesc(pointer: DomainPointer, flags: number): string {
  return obtain(header.virDomainGetXMLDesc, pointer, flags);
}

export function domainIsActive(pointer: DomainPointer): boolean {
  return succeed(header.virDomainIsActive, pointer) === 1;
}

export function domainIsPersistent(pointer: DomainPointer): boolean {
  return succeed(header.virDomainIsPersistent, pointer) === 1;
}

export function domainSetAutostart(pointer: DomainPointer, autostart: boolean): void {
  succeed(header.virDomainSetAutostart, pointer, autostart ? 1 : 0);
}

export function domainGetAutostart(pointer: DomainPointer): boolean {
  return stored((autostart) => succeed(header.virDomainGetAutostart, pointer, autostart)) === 1;
}

export function domainSetMetadata(
  pointer: DomainPointer,
  type: number,
  metadata: string | null,
  key: string | null,
  uri: string | null,
  flags: number,
): void {
  succeed(header.virDomainSetMetadata, pointer, type, metadata, key, uri, flags);
}

export function domainGetMetadata(pointer: DomainPointer, type: number, uri: string | null, flags: number): string {
  return obtain(header.virDomainGetMetadata, pointer, type, uri, flags);
}

/** The names that guests give their interfaces have no bound; MACs and addresses are shorter. */
const MAX_NAME_BYTES = 64;
const MAX_ADDRESS_BYTES = 64;

function readInterfaces(
  pointers: readonly bigint[],
  { macs, maxAddresses }: { macs: readonly string[] | null; maxAddresses: number },
): InterfaceWithAddresses[] {
  const interfaces: InterfaceWithAddresses[] = [];
  let left = maxAddresses;
  for (const pointer of pointers) {
    const { name, hwaddr, naddrs, addrs } = decodeStruct<header.VirDomainInterface>(pointer, header.virDomainInterface);
    const mac = decodeText(hwaddr, MAX_ADDRESS_BYTES);
    if (macs !== null && !macs.includes(mac?.toLowerCase() ?? '')) continue;
    const count = Math.min(naddrs, left);
    left -= count;
    const addresses = decodeStructs<header.VirDomainIPAddress>(addrs, header.virDomainIPAddress, count);
    interfaces.push({
      name: decodeText(name, MAX_NAME_BYTES) ?? '',
      mac,
      addresses: addresses.map(({ addr, type, prefix }) => ({
        address: decodeText(addr, MAX_ADDRESS_BYTES) ?? '',
        type,
        prefix,
      })),
    });
    if (left === 0) break;
  }
  return interfaces;
}

/** A guest agent may tell of millions of addresses: what is not asked for is not decoded. */
export function domainInterfaceAddresses(
  pointer: DomainPointer,
  source: number,
  macs: readonly string[] | null,
  maxAddresses: number,
): InterfaceWithAddresses[] {
  const entries = takePointers<bigint>((array) =>
    succeed(header.virDomainInterfaceAddresses, pointer, array, source, 0),
  );
  try {
    return readInterfaces(entries, { macs, maxAddresses });
  } finally {
    for (const entry of entries) header.virDomainInterfaceFree(entry);
  }
}

export function domainAgentSetResponseTimeout(pointer: DomainPointer, timeout: number): void {
  succeed(header.virDomainAgentSetResponseTimeout, pointer, timeout, 0);
}

import * as header from '../headers/domain-backup.js';
import { obtain, succeed } from '../failure.js';
import { decodeStructs, decodeText } from '../structs.js';
import type { DomainPointer } from '../pointers.js';

export type TypedParameters = Readonly<Record<string, number | bigint | boolean | string>>;

export function domainFSFreeze(pointer: DomainPointer): number {
  return succeed(header.virDomainFSFreeze, pointer, null, 0, 0);
}

export function domainFSThaw(pointer: DomainPointer): number {
  return succeed(header.virDomainFSThaw, pointer, null, 0, 0);
}

export function domainBackupBegin(
  pointer: DomainPointer,
  backupXML: string,
  checkpointXML: string | null,
  flags: number,
): void {
  succeed(header.virDomainBackupBegin, pointer, backupXML, checkpointXML, flags);
}

export function domainBackupGetXMLDesc(pointer: DomainPointer): string {
  return obtain(header.virDomainBackupGetXMLDesc, pointer, 0);
}

export function domainAbortJob(pointer: DomainPointer): void {
  succeed(header.virDomainAbortJob, pointer);
}

export function domainGetJobStats(pointer: DomainPointer, flags: number): { type: number; params: TypedParameters } {
  const type: [number] = [0];
  const params: [bigint | null] = [null];
  const count: [number] = [0];
  succeed(header.virDomainGetJobStats, pointer, type, params, count, flags);
  const [address] = params;
  if (address === null) return { type: type[0], params: {} };
  try {
    return { type: type[0], params: readParameters(address, count[0]) };
  } finally {
    header.virTypedParamsFree(address, count[0]);
  }
}

/** Far more than any of libvirt's errors has. */
const MAX_TEXT_BYTES = 4096;

function readParameters(address: bigint, count: number): TypedParameters {
  const structs = decodeStructs<header.VirTypedParameter>(address, header.virTypedParameter, count);
  return Object.fromEntries(structs.map(({ field, type, value }) => [field, readValue(type, BigInt(value))]));
}

/** virTypedParameterType: what the eight bytes mean. */
function readValue(type: number, bits: bigint): number | bigint | boolean | string {
  switch (type) {
    case 1:
      return Number(BigInt.asIntN(32, bits));
    case 2:
      return Number(BigInt.asUintN(32, bits));
    case 3:
      return BigInt.asIntN(64, bits);
    case 5:
      return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? 0;
    case 6:
      return BigInt.asUintN(8, bits) !== 0n;
    case 7:
      return decodeText(bits, MAX_TEXT_BYTES) ?? '';
    default:
      return bits;
  }
}

import type { BridgePort } from '@etcd-compute/agent/metadata/bridge';
import type { PortGuest } from '@etcd-compute/agent/metadata/port-guest';
import { createGuestFinder, type GuestFinder } from '@etcd-compute/agent/metadata/who-asks';
import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { beforeEach, describe, expect, test } from 'vitest';
import { INSTANCE } from '../instances/builders.js';

const OTHER = instanceUuidSchema.parse('7b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d');
const FIRST = '10.45.0.2';
const SECOND = '10.45.0.3';

let ports: BridgePort[];
let guests: Map<string, PortGuest>;
let now: number;
let finder: GuestFinder;
/** What happens in the world before the next look. */
let beforeLook: () => void;

beforeEach(() => {
  ports = [{ name: 'vnet0', index: 10 }];
  guests = new Map([['vnet0', { instance: INSTANCE, address: FIRST }]]);
  now = 1_800_000_000_000;
  beforeLook = () => undefined;
  finder = createGuestFinder({
    listPorts: async () => {
      beforeLook();
      return ports;
    },
    findPortGuest: async (port) => guests.get(port),
    now: () => now,
    log: silentLogger(),
    signal: AbortSignal.timeout(20_000),
  });
});

const plug = (port: BridgePort, guest?: PortGuest): void => {
  ports = [...ports, port];
  if (guest) guests.set(port.name, guest);
};

describe('who asks', () => {
  test('is the guest at whose port the address is, and nobody at any other', async () => {
    expect(await finder.find(FIRST)).toEqual({ outcome: 'guest', instance: INSTANCE });
    expect(await finder.find(SECOND)).toEqual({ outcome: 'nobody' });
    expect(await finder.find('')).toEqual({ outcome: 'nobody' });
  });

  test('could be anybody while a port has no filter, and not any more when it is gone', async () => {
    plug({ name: 'plug', index: 11 });
    beforeLook = () => (now += 3_000);
    expect(await finder.find(FIRST)).toEqual({ outcome: 'unsafe', ports: ['plug'] });
    ports = ports.filter(({ name }) => name !== 'plug');
    expect(await finder.find(FIRST)).toEqual({ outcome: 'guest', instance: INSTANCE });
  });

  test('is known when the filter of a port comes a moment later', async () => {
    plug({ name: 'vnet1', index: 11 });
    let looks = 0;
    beforeLook = () => {
      looks += 1;
      if (looks === 2) guests.set('vnet1', { instance: OTHER, address: SECOND });
    };
    expect(await finder.find(SECOND)).toEqual({ outcome: 'guest', instance: OTHER });
  });

  test('is not kept waiting while guests are started one after the other', async () => {
    let index = 11;
    beforeLook = () => {
      // The one before has its filter now, and another one comes.
      guests.set(`vnet${index}`, { instance: OTHER, address: `10.45.1.${index}` });
      index += 1;
      plug({ name: `vnet${index}`, index });
      now += 200;
    };
    expect(await finder.find(FIRST)).toEqual({ outcome: 'guest', instance: INSTANCE });
    expect(index).toBeLessThan(15);
  });

  test('is nobody when two ports have the address', async () => {
    plug({ name: 'vnet1', index: 11 }, { instance: OTHER, address: FIRST });
    expect(await finder.find(FIRST)).toEqual({ outcome: 'nobody' });
  });

  test('is another when the port is another device of the same name, and looked at again when time has passed', async () => {
    expect(await finder.find(FIRST)).toEqual({ outcome: 'guest', instance: INSTANCE });
    ports = [{ name: 'vnet0', index: 12 }];
    guests.set('vnet0', { instance: OTHER, address: FIRST });
    now += 1_000;
    expect(await finder.find(FIRST)).toEqual({ outcome: 'guest', instance: OTHER });
    guests.delete('vnet0');
    now += 61_000;
    beforeLook = () => (now += 3_000);
    expect(await finder.find(FIRST)).toEqual({ outcome: 'unsafe', ports: ['vnet0'] });
  });
});

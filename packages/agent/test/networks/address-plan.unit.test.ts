import {
  addressOfMac,
  chooseAddress,
  listReservations,
  macOfAddress,
  macOfInstance,
  planNetwork,
} from '@etcd-compute/agent/networks/address-plan';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

/** `10.45.0.0/20` and the like: any private-looking network from a /29 up to a /16, given by any of its addresses. */
const anyCidr = fc
  .tuple(fc.integer({ min: 1, max: 223 }), fc.nat(255), fc.nat(255), fc.nat(255), fc.integer({ min: 16, max: 29 }))
  .map(([a, b, c, d, prefix]) => `${a}.${b}.${c}.${d}/${prefix}`);
const smallCidr = fc.integer({ min: 26, max: 29 }).map((prefix) => `10.200.255.128/${prefix}`);

const toNumber = (address: string): number =>
  address.split('.').reduce((sum, part) => sum * 256 + Number.parseInt(part, 10), 0);

describe('planNetwork', () => {
  test('the first address is the host’s, the last one is broadcast, the rest is for guests', () => {
    expect(planNetwork('10.45.0.0/20')).toEqual({
      gateway: '10.45.0.1',
      prefix: 20,
      first: '10.45.0.2',
      last: '10.45.15.254',
      size: 4093,
    });
    expect(planNetwork('192.168.7.9/29')).toMatchObject({
      gateway: '192.168.7.9',
      first: '192.168.7.10',
      last: '192.168.7.14',
      size: 5,
    });
  });

  test('first to last is size addresses, right after the gateway', () => {
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        const plan = planNetwork(cidr);
        expect(toNumber(plan.last) - toNumber(plan.first) + 1).toBe(plan.size);
        expect(toNumber(plan.first)).toBe(toNumber(plan.gateway) + 1);
        expect((toNumber(plan.last) + 1) % 2 ** (32 - plan.prefix)).toBe(2 ** (32 - plan.prefix) - 1);
      }),
    );
  });
});

describe('addresses and MACs', () => {
  test('a MAC is made from its address, and tells it', () => {
    expect(macOfAddress('10.45.1.200')).toBe('52:54:00:2d:01:c8');
    fc.assert(
      fc.property(smallCidr, (cidr) => {
        const plan = planNetwork(cidr);
        for (const { address, mac } of listReservations(plan)) {
          expect(addressOfMac(mac, plan)).toBe(address);
          expect(addressOfMac(mac.toUpperCase(), plan)).toBe(address);
        }
      }),
    );
    fc.assert(
      fc.property(anyCidr, (cidr) => {
        const plan = planNetwork(cidr);
        for (const address of [plan.first, plan.last]) expect(addressOfMac(macOfAddress(address), plan)).toBe(address);
        expect(chooseAddress(plan, new Set(), undefined)?.address).toBe(plan.first);
      }),
    );
  });

  test.each(['52:54:00:2d:00:01', '52:54:00:2d:10:00', '52:54:01:2d:00:02', '', '52:54:00', '00:11:22:33:44:55'])(
    '%j belongs to no guest of 10.45.0.0/20',
    (mac) => {
      expect(addressOfMac(mac, planNetwork('10.45.0.0/20'))).toBeUndefined();
    },
  );

  test('all reservations of a network differ', () => {
    const reservations = listReservations(planNetwork('10.45.0.0/20'));
    expect(new Set(reservations.map(({ address }) => address)).size).toBe(4093);
    expect(new Set(reservations.map(({ mac }) => mac)).size).toBe(4093);
  });
});

describe('chooseAddress', () => {
  test('is never taken, always of the network, and undefined only when the network is full', () => {
    const moves = fc.array(fc.oneof(fc.constant('boot' as const), fc.nat(70)), { maxLength: 200 });
    fc.assert(
      fc.property(smallCidr, moves, (cidr, steps) => {
        const plan = planNetwork(cidr);
        const taken = new Set<string>();
        let last: string | undefined;
        for (const step of steps) {
          if (step !== 'boot') {
            taken.delete([...taken][step] ?? '');
            continue;
          }
          const chosen = chooseAddress(plan, taken, last);
          expect(chosen === undefined).toBe(taken.size === plan.size);
          if (chosen === undefined) continue;
          expect(taken.has(chosen.address)).toBe(false);
          expect(toNumber(chosen.address)).toBeGreaterThanOrEqual(toNumber(plan.first));
          expect(toNumber(chosen.address)).toBeLessThanOrEqual(toNumber(plan.last));
          expect(chosen.mac).toBe(macOfAddress(chosen.address));
          taken.add(chosen.address);
          last = chosen.address;
        }
      }),
    );
  });

  test('goes round: an address given back is the last to be given again', () => {
    const plan = planNetwork('10.45.3.128/28');
    const taken = new Set<string>();
    const given: string[] = [];
    for (let count = 0; count < plan.size; count += 1) {
      const chosen = chooseAddress(plan, taken, given.at(-1))?.address ?? '';
      given.push(chosen); // and given back at once
    }
    expect(new Set(given).size).toBe(plan.size);
    expect(chooseAddress(plan, taken, given.at(-1))?.address).toBe(plan.first);
  });
});

describe('macOfInstance', () => {
  const uuid = '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3cff';

  test('is locally administered, unicast, and differs between the interfaces of a guest', () => {
    fc.assert(
      fc.property(fc.uuid(), (instance) => {
        const macs = [0, 1, 2].map((index) => macOfInstance(instance, index));
        expect(new Set(macs).size).toBe(3);
        for (const mac of macs) expect(mac).toMatch(/^52(:[0-9a-f]{2}){5}$/);
      }),
    );
    expect(macOfInstance(uuid, 0)).toBe('52:8d:1a:2b:3c:ff');
    expect(macOfInstance(uuid, 1)).toBe('52:8d:1a:2b:3d:00');
  });

  test('wraps instead of growing', () => {
    expect(macOfInstance('6b2f3c1e-0c5d-4a36-9d6c-ffffffffffff', 1)).toBe('52:00:00:00:00:00');
  });
});

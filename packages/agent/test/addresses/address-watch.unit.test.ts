import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { createAddressWatch, type AddressWatch, type Look } from '@etcd-compute/agent/addresses/address-watch';
import { macOfLease } from '@etcd-compute/agent/addresses/leases';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { LibvirtError } from '@etcd-compute/libvirt/errors';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const [FIRST, SECOND] = ['52:54:00:2d:00:02', '52:00:00:00:00:99'];
const START = Date.parse('2026-01-01T00:00:00Z');
const SINCE = new Date(START);
const MINUTE = 60_000;
/** libvirt's number of the code, and its words. */
const unresponsive = new LibvirtError({
  code: 86,
  domain: 0,
  level: 2,
  message: 'Guest agent is not responding',
  functionName: '',
});
const brokenTable = new LibvirtError({
  code: 1,
  domain: 0,
  level: 2,
  message: 'internal error: wrong nlmsg len',
  functionName: '',
});

interface FakeGuest {
  readonly hasBridge: boolean;
  agent: 'connected' | 'disconnected';
}

/** A libvirt that counts its calls; nothing of it waits. */
const createFakeLibvirt = () => {
  const calls: string[] = [];
  const guests = new Map<string, FakeGuest>();
  const told: { agent: Error | { mac: string; address: string }[]; arp: Error | { mac: string; address: string }[] } = {
    agent: [],
    arp: [],
  };
  const leases: { mac: string; address: string; expiryTime: number; clientId: null }[] = [];
  const handle = { [Symbol.asyncDispose]: async () => undefined };
  const xmlOf = (uuid: string, { hasBridge, agent }: FakeGuest): string =>
    renderDomain({
      uuid,
      name: uuid,
      type: 'qemu',
      vcpus: 1,
      memoryMiB: 1,
      disks: [],
      interfaces: [
        { mac: FIRST, model: 'virtio', network: 'ecompute' },
        ...(hasBridge ? [{ mac: SECOND, model: 'virtio', bridge: 'br0' }] : []),
      ],
      guestAgent: {},
    }).replace('guest_agent.0"', `guest_agent.0" state="${agent}"`);
  const domainOf = (uuid: string) => ({
    ...handle,
    getXMLDesc: async () => {
      calls.push('xml');
      return xmlOf(uuid, guests.get(uuid) ?? { hasBridge: false, agent: 'disconnected' });
    },
    agentSetResponseTimeout: async (seconds: number) => void calls.push(`timeout ${seconds}`),
    interfaceAddresses: async (source: 'agent' | 'arp') => {
      calls.push(source);
      const answer = told[source];
      if (answer instanceof Error) throw answer;
      return answer.map(({ mac, address }) => ({ mac, addresses: [{ address }] }));
    },
  });
  const connection = {
    networkLookupByName: async () => ({
      ...handle,
      getDHCPLeases: async () => {
        calls.push('leases');
        return leases;
      },
    }),
    domainLookupByUUID: async (uuid: string) => domainOf(uuid),
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are all the calls that are made of it
  return { calls, guests, told, leases, connection: connection as unknown as Connection };
};

let libvirt: ReturnType<typeof createFakeLibvirt>;
let watch: AddressWatch;
let running: AbortController;
let clockMs: number;
let woken: number;
let warn: ReturnType<typeof vi.fn<() => void>>;

beforeEach(() => {
  running = new AbortController();
  libvirt = createFakeLibvirt();
  clockMs = START + 3000;
  woken = 0;
  warn = vi.fn<() => void>();
  watch = createAddressWatch({
    getConnection: () => libvirt.connection,
    lend: async (_purpose, use) => use(libvirt.connection),
    config: agentConfigSchema.parse({ network: { manage: false } }),
    deadlineMs: 2 * MINUTE,
    periodMs: MINUTE,
    wake: () => {
      woken += 1;
    },
    log: Object.assign(silentLogger(), { warn }),
    signal: running.signal,
    now: () => clockMs,
  });
});

afterEach(() => running.abort());

const guest = (members: Partial<FakeGuest> = {}): InstanceUuid => {
  const instance = newInstanceUuid();
  libvirt.guests.set(instance, { hasBridge: false, agent: 'disconnected', ...members });
  return instance;
};
const lease = (address: string): void =>
  void libvirt.leases.push({ mac: FIRST, address, expiryTime: 0, clientId: null });
/** What a look says after all that it has asked in the background was answered. */
const lookTwice = async (instance: InstanceUuid): Promise<Look['answers']> => {
  await watch.look(instance, SINCE);
  await new Promise((resolve) => setImmediate(resolve));
  return (await watch.look(instance, SINCE)).answers;
};

describe('a look at a guest', () => {
  test('that is old and gets another interface looks for its address as for that of a young one', async () => {
    lease('10.45.0.2');
    const instance = guest();
    clockMs = START + 60 * MINUTE;
    expect(await watch.look(instance, SINCE)).toMatchObject({ macs: [FIRST], isYoung: false });
    libvirt.guests.set(instance, { hasBridge: true, agent: 'disconnected' });
    watch.interfacesChanged(instance);
    expect(await watch.look(instance, SINCE)).toMatchObject({ macs: [FIRST, SECOND], isYoung: true });
  });

  test('of 800 that have a lease and nothing else costs no call of its own, once each is known', async () => {
    lease('10.45.0.2');
    const guests = Array.from({ length: 800 }, () => guest());
    for (const instance of guests) await watch.look(instance, SINCE);
    libvirt.calls.length = 0;
    clockMs += 10 * MINUTE;
    for (const instance of guests) await watch.look(instance, SINCE);
    expect(new Set(libvirt.calls).has('xml')).toBe(false);
    // A list of leases is good for half a second.
    expect(libvirt.calls.length).toBeLessThan(10);
  });

  test('asks an agent that is connected, for a short time, and gives that time back', async () => {
    lease('10.45.0.2');
    const instance = guest({ hasBridge: true, agent: 'connected' });
    libvirt.told.agent = [{ mac: SECOND, address: '192.0.2.9' }];
    expect(await lookTwice(instance)).toMatchObject({
      lease: { said: 'found' },
      agent: { said: 'found', addresses: [{ address: '192.0.2.9', mac: SECOND, source: 'agent' }] },
    });
    expect(libvirt.calls.filter((call) => !['leases', 'xml'].includes(call))).toEqual([
      'timeout 2',
      'agent',
      'timeout -2',
    ]);
    libvirt.told.agent = unresponsive;
    libvirt.calls.length = 0;
    for (let count = 0; count < 2; count += 1) {
      clockMs += MINUTE;
      await lookTwice(instance);
    }
    expect(libvirt.calls).toEqual(expect.arrayContaining(['timeout 2', 'agent', 'timeout -2']));
    expect(await lookTwice(instance)).toMatchObject({
      agent: { said: 'the guest agent does not answer', addresses: [] },
    });
  });

  test('asks the agent as soon as it comes, and forgets it some time after it went', async () => {
    lease('10.45.0.2');
    const instance = guest();
    expect(await lookTwice(instance)).toMatchObject({ agent: { said: 'no guest agent is connected' } });
    libvirt.told.agent = [{ mac: FIRST, address: '10.45.0.77' }];
    watch.agentChanged(instance, true);
    expect(await lookTwice(instance)).toMatchObject({ agent: { said: 'found' } });
    watch.agentChanged(instance, false);
    expect(await lookTwice(instance)).toMatchObject({ agent: { said: 'found' } });
    clockMs += MINUTE;
    expect(await lookTwice(instance)).toMatchObject({ agent: { said: 'no guest agent is connected', addresses: [] } });
  });

  test('says a guest’s changes as they come, but for one that changes without end: the latest in the end', async () => {
    lease('10.45.0.2');
    const instance = guest({ hasBridge: true, agent: 'connected' });
    await lookTwice(instance);
    const said: string[] = [];
    for (let second = 1; second <= 120; second += 1) {
      clockMs += 1000;
      libvirt.told.agent = [{ mac: SECOND, address: `192.0.2.${second}` }];
      const before = woken;
      // It comes back each time, so that it is asked at once.
      watch.agentChanged(instance, true);
      if (woken === before) continue;
      const text = JSON.stringify((await lookTwice(instance)).agent);
      if (said.at(-1) !== text) said.push(text);
    }
    // At first as it changes, then twice a minute; its events wake at first, then twelve times a minute, and each answer once more.
    expect(said.length).toBeGreaterThan(10);
    expect(said.length).toBeLessThan(25);
    expect(woken).toBeLessThan(90);
    expect(said.at(-1)).not.toContain('192.0.2.120');
    clockMs += MINUTE;
    expect(JSON.stringify(await lookTwice(instance))).toContain('192.0.2.120');
  });

  test('an agent that comes while the domain is read is not missed', async () => {
    lease('10.45.0.2');
    const instance = guest();
    const first = watch.look(instance, SINCE);
    watch.agentChanged(instance, true);
    await first;
    expect(await lookTwice(instance)).toMatchObject({ agent: { said: 'the guest agent knows of no address' } });
  });

  test('asks ARP where nobody else knows; a table that libvirt cannot read is read once a period for all, and said once', async () => {
    lease('10.45.0.2');
    const instance = guest({ hasBridge: true });
    libvirt.told.arp = [{ mac: SECOND, address: '192.0.2.9' }];
    expect(await lookTwice(instance)).toMatchObject({ arp: { said: 'found', addresses: [{ source: 'arp' }] } });

    libvirt.told.arp = brokenTable;
    libvirt.calls.length = 0;
    const others = Array.from({ length: 20 }, () => guest({ hasBridge: true }));
    for (let period = 0; period < 3; period += 1) {
      clockMs += MINUTE;
      for (const other of others) await lookTwice(other);
    }
    expect(libvirt.calls.filter((call) => call === 'arp').length).toBeLessThanOrEqual(3);
    const [any = instance] = others;
    expect(await lookTwice(any)).toMatchObject({
      arp: { said: 'libvirt cannot: internal error: wrong nlmsg len', addresses: [] },
    });
    expect(warn).toHaveBeenCalledOnce();
  });

  test('a guest that was started anew begins anew', async () => {
    const instance = guest({ hasBridge: true, agent: 'connected' });
    libvirt.told.agent = [{ mac: SECOND, address: '192.0.2.9' }];
    await lookTwice(instance);
    const { answers } = await watch.look(instance, new Date(START + 1000));
    expect(answers.agent).toBe('pending');
  });

  test('asks nobody any more once the agent stops', async () => {
    lease('10.45.0.2');
    const instance = guest({ agent: 'connected' });
    await lookTwice(instance);
    expect(libvirt.calls).toContain('agent');
    running.abort();
    libvirt.calls.length = 0;
    clockMs += MINUTE;
    await lookTwice(instance);
    expect(libvirt.calls).not.toContain('agent');
  });

  test('says how long a lease was waited for', async () => {
    const instance = guest();
    expect(await lookTwice(instance)).toMatchObject({ lease: { said: 'no lease yet' } });
    clockMs += 2 * MINUTE;
    expect(await lookTwice(instance)).toMatchObject({
      lease: { said: 'no lease within 120 s' },
      arp: { said: 'the host has no such neighbour' },
    });
  });
});

test.each([
  [{ mac: '52:54:00:2D:00:02', clientId: null }, FIRST],
  [{ mac: '', clientId: `00:03:00:01:${FIRST}` }, FIRST],
  [{ mac: '', clientId: `00:01:00:01:2a:bb:cc:dd:${FIRST}` }, FIRST],
  [{ mac: '', clientId: '00:02:00:00:ab:11:52:54:00:2d:00:02:00:00' }, ''],
  [{ mac: '', clientId: null }, ''],
])('the lease %j is of %s', (given, mac) => expect(macOfLease(given)).toBe(mac));

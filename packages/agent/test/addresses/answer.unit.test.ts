import {
  addressesOn,
  arrangeAddresses,
  shortWords,
  usableAddress,
  wordsOf,
  type Answer,
} from '@etcd-compute/agent/addresses/answer';
import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import { describe, expect, test } from 'vitest';

const [FIRST, SECOND] = ['52:54:00:2d:00:02', '52:00:00:00:00:99'];

const entry = (address: string, mac: string, source: Address['source']): Address => ({
  address,
  family: address.includes(':') ? 'ipv6' : 'ipv4',
  mac,
  source,
});
const found = (...addresses: Address[]): Answer => ({ said: 'found', addresses });
const nothing: Answer = { said: 'nothing there', addresses: [] };

describe('usableAddress', () => {
  test.each([
    ['192.0.2.7', { address: '192.0.2.7', family: 'ipv4' }],
    ['2001:DB8:0:0::7', { address: '2001:db8::7', family: 'ipv6' }],
    ['fd00:45::1:2', { address: 'fd00:45::1:2', family: 'ipv6' }],
  ])('%s is', (text, usable) => expect(usableAddress(text)).toEqual(usable));

  test.each([
    '127.0.0.1',
    '::1',
    'fe80::5054:ff:fe2d:2',
    'fe80::1%eth0',
    '169.254.169.254',
    '0.0.0.0',
    '::',
    '255.255.255.255',
    '224.0.0.1',
    'ff02::1',
    '::ffff:10.0.0.1',
    'eth0',
    '',
    '10.0.0.1; reboot',
  ])('%s is not', (text) => expect(usableAddress(text)).toBeUndefined());
});

test('addresses of interfaces inside the guest are left out', () => {
  const interfaces = [
    { mac: FIRST.toUpperCase(), addresses: [{ address: '192.0.2.7' }, { address: 'fe80::1' }] },
    { mac: '02:42:00:00:00:01', addresses: [{ address: '172.17.0.1' }] },
    { mac: null, addresses: [{ address: '192.0.2.9' }] },
  ];
  expect(addressesOn(interfaces, { macs: [FIRST, SECOND], source: 'agent' })).toEqual([
    entry('192.0.2.7', FIRST, 'agent'),
  ]);
});

describe('arrangeAddresses', () => {
  test('each once, from the lease before the agent; IPv4 first, in the order of the interfaces', () => {
    const answers = {
      lease: found(entry('fd00::1', FIRST, 'lease'), entry('192.0.2.7', FIRST, 'lease')),
      agent: found(
        entry('2001:db8::9', SECOND, 'agent'),
        entry('198.51.100.9', SECOND, 'agent'),
        entry('192.0.2.7', FIRST, 'agent'),
        entry('192.0.2.8', FIRST, 'agent'),
      ),
    };
    expect(arrangeAddresses([FIRST, SECOND], answers)).toEqual([
      entry('192.0.2.7', FIRST, 'lease'),
      entry('192.0.2.8', FIRST, 'agent'),
      entry('198.51.100.9', SECOND, 'agent'),
      entry('fd00::1', FIRST, 'lease'),
      entry('2001:db8::9', SECOND, 'agent'),
    ]);
  });

  test('ARP counts only for an interface of which nobody else says anything', () => {
    const arp = found(entry('192.0.2.66', FIRST, 'arp'), entry('198.51.100.9', SECOND, 'arp'));
    const lease = found(entry('192.0.2.7', FIRST, 'lease'));
    expect(arrangeAddresses([FIRST, SECOND], { lease, agent: nothing, arp })).toEqual([
      entry('192.0.2.7', FIRST, 'lease'),
      entry('198.51.100.9', SECOND, 'arp'),
    ]);
  });

  test('a guest cannot fill a record', () => {
    const many = Array.from({ length: 500 }, (_, index) => entry(`2001:db8::${index + 1}`, FIRST, 'agent'));
    const lease = found(entry('192.0.2.7', FIRST, 'lease'));
    const arranged = arrangeAddresses([FIRST], { lease, agent: found(...many) });
    expect(arranged).toHaveLength(32);
    expect(arranged[0]).toEqual(entry('192.0.2.7', FIRST, 'lease'));
  });
});

test('words are of those that have answered; those of a guest are short and of one line', () => {
  expect(wordsOf({ arp: 'pending', agent: nothing, lease: found() })).toEqual({
    lease: 'found',
    agent: 'nothing there',
  });
  expect(shortWords(new Error(`evil\u001b[2J\n${'x'.repeat(5000)}`))).toMatch(/^evil \[2J x{191}$/);
});

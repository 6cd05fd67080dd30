import { describe, expect, it } from 'vitest';
import { XmlValueError } from '@etcd-compute/libvirt/xml/document';
import { parseNetwork, renderDhcpHost, renderNetwork } from '@etcd-compute/libvirt/xml/network';
import type { NetworkSpec } from '@etcd-compute/libvirt/xml/network';

const full: NetworkSpec = {
  name: 'fast',
  uuid: '6b2fd1a4-3f0e-4a9f-8a53-2a1a9c0f7b11',
  bridge: { name: 'virfast', stp: false, delay: 0 },
  forward: 'nat',
  ip: {
    address: '10.1.0.1',
    prefix: 20,
    dhcp: {
      ranges: [{ start: '10.1.0.2', end: '10.1.15.254' }],
      leaseSeconds: 3600,
      hosts: [
        { mac: '52:54:00:00:00:01', name: 'one', ip: '10.1.0.9' },
        { mac: '52:54:00:00:00:02', ip: '10.1.0.10' },
      ],
    },
  },
  natIpv6: true,
  ip6: { address: 'fd00:1::1', prefix: 64, dhcp: { ranges: [{ start: 'fd00:1::2', end: 'fd00:1::ff' }], hosts: [] } },
  dnsmasqOptions: ['no-ping', 'dhcp-authoritative'],
};

describe('network XML', () => {
  it('reads back what it renders: the least, and everything', () => {
    const minimal: NetworkSpec = { name: 'n', bridge: { stp: true, delay: 2 }, ip: { address: 'fd00::1', prefix: 64 } };
    expect(parseNetwork(renderNetwork(minimal))).toEqual(minimal);
    expect(parseNetwork(renderNetwork(full))).toEqual(full);
  });

  it('looks like this', () => {
    expect(renderNetwork(full)).toMatchSnapshot();
  });

  it('renders one DHCP host', () => {
    expect(renderDhcpHost({ mac: '52:54:00:00:00:01', name: 'a', ip: '10.1.0.9' }).trim()).toBe(
      '<host mac="52:54:00:00:00:01" name="a" ip="10.1.0.9"/>',
    );
    expect(() => renderDhcpHost({ mac: 'a\u0000', ip: 'b' })).toThrow(XmlValueError);
  });

  it('reads what others wrote: a netmask, a lease in minutes or hours', () => {
    const read = (range: string): NetworkSpec =>
      parseNetwork(`<network><name>n</name><bridge name='virbr0' stp='on' delay='0'/>
        <ip address='192.168.122.1' netmask='255.255.252.0'><dhcp>${range}</dhcp></ip></network>`);
    expect(read("<range start='a' end='b'/>").ip).toEqual({
      address: '192.168.122.1',
      prefix: 22,
      dhcp: { ranges: [{ start: 'a', end: 'b' }], hosts: [] },
    });
    expect(read("<range start='a' end='b'><lease expiry='2'/></range>").ip.dhcp?.leaseSeconds).toBe(120);
    expect(read("<range start='a' end='b'><lease expiry='2' unit='hours'/></range>").ip.dhcp?.leaseSeconds).toBe(7200);
  });

  it('refuses XML of something else', () => {
    expect(() => parseNetwork('<domain/>')).toThrow('the root element is not <network>');
  });
});

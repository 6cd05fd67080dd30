import { hostname } from 'node:os';
import { etcdSection, logSection, placementSection, secondsKey } from '@etcd-compute/common/config/sections';
import { FIRMWARES } from '@etcd-compute/common/etcd/messages/guest-config';
import { providerUuidSchema } from '@etcd-compute/common/ids';
import { z } from 'zod';
import { endpointSection } from './endpoint.js';
import { imagesSection } from './images.js';
import { libvirtName } from './libvirt-name.js';
import { metadataSection } from './metadata.js';
import { networkSection } from './network.js';

/** `compute.yaml`. The keys `uuid`, `etcd`, `placement`, `resize` and `bridge` are the original's. */

const reservedKey = (unit: string) => z.int().nonnegative().describe(`kept for the host itself, in ${unit}`);

const ratioKey = (ratio: number) =>
  z.number().positive().max(1000).default(ratio).describe('how many times over it may be given away');

const sections = z.strictObject({
  uuid: providerUuidSchema
    .optional()
    .describe('of this host in Placement; when left out, one is made and kept in state_dir'),
  name: z.string().min(1).max(200).default(hostname).describe('of this host, for people and in Placement'),
  state_dir: z
    .string()
    .regex(/^\/[^\p{Cc}]*$/u, 'expected an absolute path')
    .default('/var/lib/ecompute')
    .describe('folder for disks, cached images and the host’s uuid; guests’ disks are opened from here'),
  etcd: etcdSection,
  placement: placementSection,
  log: logSection,
  libvirt: z
    .strictObject({
      uri: z.string().min(1).default('qemu:///system').describe('the hypervisor'),
      threads: z
        .int()
        .min(1)
        .max(64)
        .default(4)
        .describe('libvirt calls at the same time that make disks and guests; others have connections of their own'),
    })
    .prefault({}),
  network: networkSection,
  bridge: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,15}$/, 'expected the name of a bridge, such as br0')
    .optional()
    .describe('a bridge of the host; when given, guests get a second interface there'),
  resize: z.boolean().default(true).describe('true: a disk grows to DISK_GB; false: it keeps the size of its image'),
  disks: z
    .strictObject({
      pool: libvirtName.default('ecompute').describe('the libvirt storage pool that the agent makes for disks'),
      mode: z
        .enum(['overlay', 'copy'])
        .default('overlay')
        .describe('overlay: a disk holds what differs from the cached image; copy: all of it'),
      bus: z
        .enum(['virtio', 'scsi', 'sata'])
        .default('virtio')
        .describe('how guests see their disks; scsi is virtio-scsi, sata is for systems without virtio'),
      cache: z
        .enum(['none', 'writeback', 'writethrough', 'directsync', 'unsafe'])
        .optional()
        .describe('how the host caches disks; when left out, the hypervisor’s default'),
      discard: z
        .enum(['unmap', 'ignore'])
        .default('unmap')
        .describe('unmap: what a guest discards is free on the host again; ignore: it is not'),
    })
    .prefault({}),
  images: imagesSection,
  endpoint: endpointSection,
  guests: z
    .strictObject({
      type: z.enum(['auto', 'kvm', 'qemu']).default('auto').describe('auto: KVM where it really works, else emulation'),
      resume: z
        .boolean()
        .default(true)
        .describe('true: guests that ran when the host went down are started again; false: they stay stopped'),
      config_drive: z
        .enum(['openstack', 'nocloud', 'none'])
        .default('openstack')
        .describe('how guests are told their name, keys and user data: a small disk in this layout, or not at all'),
      cpu: z
        .enum(['auto', 'host-passthrough', 'host-model', 'maximum', 'default'])
        .default('auto')
        .describe('the processor that guests see; auto: host-passthrough under KVM, else maximum'),
      firmware: z
        .enum(FIRMWARES)
        .optional()
        .describe('of guests whose boot does not say; when left out, bios, and uefi where there is no BIOS'),
      balloon: z.boolean().default(true).describe('true: guests can give memory back to the host'),
      agent: z
        .boolean()
        .default(true)
        .describe('true: guests have a channel for the QEMU guest agent, which is asked for their addresses'),
      machine: libvirtName.optional().describe('the machine type; when left out, the hypervisor’s default'),
    })
    .prefault({}),
  metadata: metadataSection,
  inventory: z
    .strictObject({
      VCPU: z
        .strictObject({ reserved: reservedKey('logical processors').default(0), allocation_ratio: ratioKey(4) })
        .prefault({}),
      MEMORY_MB: z
        .strictObject({ reserved: reservedKey('MiB').default(512), allocation_ratio: ratioKey(1) })
        .prefault({}),
      DISK_GB: z
        .strictObject({
          reserved: reservedKey('GiB; when left out, a tenth of the disk, 10 at the most').optional(),
          allocation_ratio: ratioKey(1),
        })
        .prefault({}),
    })
    .prefault({}),
  traits: z
    .array(
      z.string().regex(/^[A-Z0-9_]{1,255}$/, 'expected upper-case letters, digits and underscores, such as CUSTOM_SSD'),
    )
    .default([])
    .describe('traits that this host has in Placement'),
  aggregates: z.array(z.guid()).default([]).describe('aggregates that this host belongs to in Placement'),
  builds: z
    .strictObject({
      parallel: z.int().min(1).max(64).default(4).describe('instances that are started at the same time'),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      image: secondsKey(1800, 'how long fetching an image may take'),
      image_stall: secondsKey(30, 'how long an image server may send nothing'),
      disk: secondsKey(300, 'how long making a disk may take'),
      domain: secondsKey(120, 'how long defining, starting or ending a domain may take'),
      libvirt: secondsKey(15, 'how long libvirt may take to connect, or to answer a question'),
      guest_shutdown: secondsKey(60, 'how long a guest that is asked to stop may take before its plug is pulled'),
      address: secondsKey(120, 'how long to look for an address before saying that there is none'),
      shutdown: secondsKey(60, 'how long builds in hand may take to finish when the agent stops'),
    })
    .prefault({}),
  booted: z
    .boolean()
    .default(true)
    .describe(
      'true: the first address of each guest stands at /booted/<instance> in etcd too, for the original eschedule',
    ),
  presence_ttl: z.int().min(3).max(600).default(15).describe('how soon a dead agent shows as down, in seconds'),
  period: secondsKey(60, 'how often everything is looked at again'),
  audit: z
    .strictObject({
      grace: secondsKey(300, 'how old an allocation without a boot request is before it is released'),
      remove_orphan_domains: z
        .boolean()
        .default(false)
        .describe(
          'true: what is left of instances without a boot request is removed after the grace; false: it is reported',
        ),
      max_removals: z
        .int()
        .min(1)
        .max(1000)
        .default(3)
        .describe('how many instances remove_orphan_domains may remove at once; when there are more, it removes none'),
    })
    .prefault({}),
});

export const agentConfigSchema = sections.check(({ value: { metadata, network }, issues }) => {
  if (metadata === false) return;
  const missing =
    (!network.manage && 'network.manage: true; on a network that others keep') ||
    (network.filter !== 'full' && 'network.filter: full; without it');
  if (missing === false) return;
  const message = `needs ${missing}, an address does not say which guest asks`;
  issues.push({ code: 'custom', message, path: ['metadata'], input: metadata });
});
export type AgentConfig = z.output<typeof agentConfigSchema>;

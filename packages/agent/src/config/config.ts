import { hostname } from 'node:os';
import { etcdSection, logSection, placementSection, secondsKey } from '@etcd-compute/common/config/sections';
import { FIRMWARES } from '@etcd-compute/common/etcd/messages/guest-config';
import { providerUuidSchema } from '@etcd-compute/common/ids';
import { z } from 'zod';
import { endpointSection } from './endpoint.js';
import { imagesSection } from './images.js';
import { libvirtName } from './libvirt-name.js';
import { metadataSection } from './metadata.js';
import { bridgeName, findNetworkConflicts, furtherNetworkSection, networkSection } from './network.js';

/** `compute.yaml`. The keys `uuid`, `etcd`, `placement`, `resize` and `bridge` are the original's. */

const reservedKey = (unit: string) => z.int().nonnegative().describe(`reserved for the host itself, in ${unit}`);

const ratioKey = (ratio: number) => z.number().positive().max(1000).default(ratio).describe('overcommit ratio');

const sections = z.strictObject({
  uuid: providerUuidSchema
    .optional()
    .describe('this host’s uuid in Placement; by default one is made and kept in state_dir'),
  name: z.string().min(1).max(200).default(hostname).describe('this host’s name, for people and in Placement'),
  state_dir: z
    .string()
    .regex(/^\/[^\p{Cc}]*$/u, 'expected an absolute path')
    .default('/var/lib/ecompute')
    .describe('the folder for guests’ disks, cached images and the host’s uuid'),
  etcd: etcdSection,
  placement: placementSection,
  log: logSection,
  libvirt: z
    .strictObject({
      uri: z.string().min(1).default('qemu:///system').describe('libvirt’s URI of the hypervisor'),
      threads: z
        .int()
        .min(1)
        .max(64)
        .default(4)
        .describe(
          'how many libvirt calls may make disks and guests at the same time; other calls have their own connections',
        ),
    })
    .prefault({}),
  network: networkSection,
  networks: z
    .array(furtherNetworkSection)
    .default([])
    .describe('more networks, for guests that ask for one; each has the keys of `network`'),
  bridge: bridgeName.optional().describe('a bridge of the host; if set, each guest gets a second interface on it'),
  bridges: z.array(bridgeName).default([]).describe('more bridges of the host, for guests that ask for one'),
  resize: z.boolean().default(true).describe('true: grow a disk to DISK_GB; false: keep the size of its image'),
  disks: z
    .strictObject({
      pool: libvirtName.default('ecompute').describe('the libvirt storage pool for disks; the agent makes it'),
      mode: z
        .enum(['overlay', 'copy'])
        .default('overlay')
        .describe('overlay: a disk stores only what differs from the cached image; copy: a disk is a full copy'),
      bus: z
        .enum(['virtio', 'scsi', 'sata'])
        .default('virtio')
        .describe('the disk bus of guests; scsi is virtio-scsi, sata is for systems without virtio'),
      cache: z
        .enum(['none', 'writeback', 'writethrough', 'directsync', 'unsafe'])
        .optional()
        .describe('the disk cache mode; by default the hypervisor’s own'),
      discard: z
        .enum(['unmap', 'ignore'])
        .default('unmap')
        .describe('unmap: what a guest discards frees space on the host; ignore: it does not'),
    })
    .prefault({}),
  images: imagesSection,
  endpoint: endpointSection,
  guests: z
    .strictObject({
      type: z.enum(['auto', 'kvm', 'qemu']).default('auto').describe('auto: KVM where it works, else emulation'),
      resume: z
        .boolean()
        .default(true)
        .describe('true: after a reboot of the host, start the guests that ran before; false: leave them stopped'),
      config_drive: z
        .enum(['openstack', 'nocloud', 'none'])
        .default('openstack')
        .describe('the layout of the small disk that gives guests their name, keys and user data; none: no such disk'),
      cpu: z
        .enum(['auto', 'host-passthrough', 'host-model', 'maximum', 'default'])
        .default('auto')
        .describe('the CPU model of guests; auto: host-passthrough under KVM, else maximum'),
      firmware: z
        .enum(FIRMWARES)
        .optional()
        .describe('the firmware of guests that do not ask for one; by default bios, or uefi where there is no BIOS'),
      balloon: z
        .boolean()
        .default(true)
        .describe('true: guests have a memory balloon and can return memory to the host'),
      agent: z
        .boolean()
        .default(true)
        .describe('true: guests have a channel for the QEMU guest agent, which the agent asks for addresses'),
      machine: libvirtName.optional().describe('the machine type; by default the hypervisor’s own'),
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
          reserved: reservedKey('GiB; by default a tenth of the disk, at most 10').optional(),
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
    .describe('this host’s traits in Placement'),
  aggregates: z.array(z.guid()).default([]).describe('uuids of this host’s aggregates in Placement'),
  builds: z
    .strictObject({
      parallel: z.int().min(1).max(64).default(4).describe('how many instances may start at the same time'),
    })
    .prefault({}),
  timeouts: z
    .strictObject({
      image: secondsKey(1800, 'how long fetching an image may take'),
      image_stall: secondsKey(30, 'how long an image server may be silent'),
      disk: secondsKey(300, 'how long making a disk may take'),
      snapshot: secondsKey(3600, 'how long taking a snapshot may take'),
      domain: secondsKey(120, 'how long defining, starting or ending a domain may take'),
      libvirt: secondsKey(15, 'how long libvirt may take to accept a connection or to answer a question'),
      guest_shutdown: secondsKey(60, 'how long a guest may take to shut down before it is powered off'),
      unplug: secondsKey(60, 'how long a running guest may take to let a disk or an interface go'),
      address: secondsKey(120, 'how long to look for a guest’s address before giving up'),
      shutdown: secondsKey(60, 'how long running builds may take to finish when the agent stops'),
    })
    .prefault({}),
  booted: z
    .boolean()
    .default(true)
    .describe('true: also write each guest’s first address to /booted/<instance> in etcd, for the original eschedule'),
  presence_ttl: z
    .int()
    .min(3)
    .max(600)
    .default(15)
    .describe('how soon a host with a dead agent shows as down, in seconds'),
  period: secondsKey(60, 'how often the agent checks everything again'),
  audit: z
    .strictObject({
      grace: secondsKey(300, 'how long an allocation may lack a boot request before it is released'),
      remove_orphan_domains: z
        .boolean()
        .default(false)
        .describe(
          'true: after the grace, remove what is left of instances without a boot request; false: only report it',
        ),
      max_removals: z
        .int()
        .min(1)
        .max(1000)
        .default(3)
        .describe('how many instances remove_orphan_domains may remove at once; if there are more, it removes none'),
    })
    .prefault({}),
});

export const agentConfigSchema = sections.check(({ value, issues }) => {
  const { metadata, network, networks } = value;
  for (const { index, message } of findNetworkConflicts(value))
    issues.push({ code: 'custom', message, path: ['networks', index], input: networks[index] });
  if (metadata === false) return;
  const missing =
    (!network.manage && 'network.manage: true; on a network that others keep') ||
    (network.filter !== 'full' && 'network.filter: full; without it');
  if (missing === false) return;
  const message = `needs ${missing}, an address does not say which guest asks`;
  issues.push({ code: 'custom', message, path: ['metadata'], input: metadata });
});
export type AgentConfig = z.output<typeof agentConfigSchema>;

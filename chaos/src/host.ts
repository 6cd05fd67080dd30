import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { superviseConnection, type Supervised } from '@etcd-compute/libvirt/reconnect';
import { bringPortOut, bringPorts } from '@etcd-compute/testing/bring-ports';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { runCommand } from '@etcd-compute/testing/run-command';
import { startLibvirtProxy, type LibvirtProxy } from '@etcd-compute/testing/libvirt-proxy';
import { startAgentSlot, type AgentSlot } from './agent-slot.js';
import type { ClientPath } from './client-path.js';
import { userOfHost, type EtcdUsers } from './etcd-users.js';
import type { Resources } from '@etcd-compute/testing/resources';

/** One hypervisor: a libvirtd of its own, an agent, and what lies between them. */
export interface Host {
  readonly index: number;
  readonly uuid: ProviderUuid;
  readonly stateDir: string;
  readonly imagesDir: string;
  readonly path: ClientPath;
  readonly libvirtd: LibvirtDaemon;
  /** Between the agent and libvirtd. */
  readonly libvirtProxy: LibvirtProxy;
  /** Where libvirtd listens. */
  readonly libvirtSocket: string;
  /** Starts, once, another libvirtd that has nothing. @returns where it listens. */
  readonly startOtherLibvirtd: () => Promise<string>;
  /** Past the proxy. It also keeps the test driver's domains alive, which end with its last connection. */
  readonly link: Supervised;
  readonly agent: AgentSlot;
}

export interface HostOptions {
  readonly index: number;
  readonly dir: string;
  readonly uuid: ProviderUuid;
  readonly path: ClientPath;
  readonly etcdUsers: EtcdUsers;
  readonly hasGuests: boolean;
  /** Of the server of images. */
  readonly imagePort: number;
  /** For calls from outside, which end with it. */
  readonly signal: AbortSignal;
}

const IMAGE_CACHE_SIZE = { simulated: '4m', guests: '400m' } as const;

/** So short that a check need not wait long. The grace is longer than an `eschedule` can take from one write to the next. */
const PERIODS = { period: 2, presence_ttl: 3, audit: { grace: 15 } } as const;
/** Where etcd counts room there is never an allocation without a request, so nobody waits for the audit to release one. */
const COUNTING_PERIODS = { ...PERIODS, audit: { grace: 86_400 } } as const;
/** How long a tunnel may be silent, in seconds. */
const TUNNEL_IDLE = 10;
const TIMEOUTS = { libvirt: 5, image: 10, image_stall: 3, disk: 20, domain: 20, address: 5, shutdown: 10 } as const;
/** Emulated guests on a busy machine. */
const GUEST_TIMEOUTS = {
  ...TIMEOUTS,
  image: 60,
  image_stall: 20,
  disk: 60,
  domain: 60,
  address: 90,
  libvirt: 10,
} as const;

export const startHost = async (resources: Resources, options: HostOptions): Promise<Host> => {
  const { index, uuid, path, etcdUsers, hasGuests, signal } = options;
  const dir = join(options.dir, `h${index}`);
  const stateDir = join(dir, 'state');
  const imagesDir = join(stateDir, 'images');
  await mkdir(imagesDir, { recursive: true, mode: 0o755 });
  await mountImageCache(resources, imagesDir, hasGuests);
  // After the mount: libvirtd has mounts of its own, those of now.
  const libvirtd = resources.keep(await startLibvirtd({ dir: join(dir, 'v') }));
  const socket = socketOf(join(dir, 'v'));
  const uriOf = (socketPath: string): string =>
    hasGuests ? `qemu+unix:///system?socket=${socketPath}` : `test+unix:///default?socket=${socketPath}`;
  const libvirtProxy = resources.keep(await startLibvirtProxy({ path: socket }, { path: join(dir, 'proxy-sock') }));
  const link = resources.keep(
    superviseConnection({
      uri: uriOf(socket),
      // A daemon that is only paused keeps this connection, and with it the domains of the test driver.
      keepAlive: null,
      onUp: () => undefined,
      onDown: () => undefined,
      signal,
    }),
  );
  await link.waitUp(signal);
  const agent = resources.keep(
    await startAgentSlot({
      uuid,
      dir,
      etcd: { host: '127.0.0.1', port: 1 },
      placement: path.config.placement,
      ...(hasGuests && { wrapper: await enterNetwork(resources, libvirtd, options) }),
      config: {
        name: `host-${index}`,
        ...path.config,
        etcd: { ...path.config.etcd, ...etcdUsers.sectionOf(userOfHost(uuid)) },
        libvirt: { uri: uriOf(join(dir, 'proxy-sock')) },
        network: { cidr: `10.46.${index}.0/24` },
        // The interfaces of simulated guests come and go; nobody in a real guest would ask for an address there.
        networks: hasGuests ? [] : [{ name: 'storage', cidr: `10.47.${index}.0/24` }],
        // A small file system of their own, which only a fault fills.
        images: { allow_private: ['127.0.0.0/8'], keep_free: 0 },
        inventory: { VCPU: { allocation_ratio: 16 } },
        // The test driver makes addresses up, which may be somebody's: no tunnel leads there.
        endpoint: { idle: TUNNEL_IDLE, ...(hasGuests ? await leadOut(resources, libvirtd) : { tunnel_ports: [] }) },
        ...(hasGuests && { metadata: index === 0 }),
        ...(path.placement ? PERIODS : COUNTING_PERIODS),
        timeouts: hasGuests ? GUEST_TIMEOUTS : TIMEOUTS,
      },
    }),
  );
  let other: Promise<LibvirtDaemon> | undefined;
  const startOtherLibvirtd = async (): Promise<string> => {
    const otherDir = join(dir, 'w');
    other ??= mkdir(otherDir).then(async () => resources.keep(await startLibvirtd({ dir: otherDir })));
    await other;
    return socketOf(otherDir);
  };
  const ways = { path, libvirtProxy, libvirtSocket: socket, startOtherLibvirtd, link };
  return { index, uuid, stateDir, imagesDir, libvirtd, agent, ...ways };
};

const socketOf = (daemonDir: string): string => join(daemonDir, 'run', 'libvirt', 'libvirt-sock');

/** Where real guests are, the agent sets the packet filter of its own network, so it has to be in that of its libvirtd. */
const enterNetwork = async (
  resources: Resources,
  libvirtd: LibvirtDaemon,
  { path, imagePort }: Pick<HostOptions, 'path' | 'imagePort'>,
): Promise<readonly string[]> => {
  const servers = [...path.etcd, ...(path.placement ? [path.placement.wire] : [])];
  const ports = [...servers.map(({ port }) => port), imagePort];
  return resources.keep(await bringPorts(ports, libvirtd)).wrapper;
};

/** The agent's endpoint, where `eschedule` reaches it. */
const leadOut = async (resources: Resources, libvirtd: LibvirtDaemon): Promise<Readonly<Record<string, unknown>>> => {
  const { port } = resources.keep(await bringPortOut(libvirtd));
  return { port, advertise: ['127.0.0.1'] };
};

/** A file system of its own, so small that a fault can fill it. */
const mountImageCache = async (resources: Resources, folder: string, hasGuests: boolean): Promise<void> => {
  const size = hasGuests ? IMAGE_CACHE_SIZE.guests : IMAGE_CACHE_SIZE.simulated;
  await runCommand(['mount', '-t', 'tmpfs', '-o', `size=${size},mode=755`, 'chaos-images', folder]);
  resources.defer(async () => runCommand(['umount', '--lazy', folder]));
};

import type { Socket } from 'node:net';
import type { Capacity } from '@etcd-compute/common/capacity/capacity';
import { createKeys, type Keys } from '@etcd-compute/common/etcd/keys';
import type { Store } from '@etcd-compute/common/etcd/store';
import { DEFAULT_PROJECT, type InstanceUuid } from '@etcd-compute/common/ids';
import type { WishName } from '@etcd-compute/common/wishes/kinds';
import type { AuditOptions, AuditResult } from './audit/audit.js';
import type { BootOptions, BootResult } from './boot/boot.js';
import type { AttachConsoleOptions } from './consoles/attach-console.js';
import type { TunnelOptions } from './consoles/open-tunnel.js';
import type { ReadConsoleOptions } from './consoles/read-console.js';
import type { Drained, DrainOptions } from './hosts/drain.js';
import type { RemoveHostOptions } from './hosts/remove-host.js';
import type { HostView } from './hosts/view.js';
import type { ImageView, ListImagesOptions } from './images/list-images.js';
import type { ImageWishOptions, ImageWishResult } from './images/wish-for-image.js';
import type { FoundAddress } from './instances/find-address.js';
import type { Listed, ListOptions } from './instances/list-instances.js';
import type { InstanceView } from './instances/view.js';
import type { RunOptions } from './run.js';
import type { Services } from './services.js';
import type { UnshelveOptions } from './shelving/unshelve.js';
import type { DestroyOptions } from './wishes/destroy.js';
import type { AskOptions, Changed } from './wishes/ask.js';
import type { ResizeOptions } from './wishes/resize.js';

export type { CloudEvent } from './events.js';
export type { RunOptions } from './run.js';

/**
 * Everything that can be done with a cloud. A function returns data, reports progress by `onEvent`, ends early by `signal`, and throws
 * `EcomputeError`. What it has written is carried out by the agents of the hosts, whatever becomes of the caller.
 *
 * Instances are named by uuid or name, hosts too.
 */
export interface Cloud {
  readonly boot: (options: BootOptions) => Promise<BootResult>;
  readonly list: (options?: ListOptions) => Promise<Listed>;
  readonly get: (uuidOrName: string, options?: RunOptions) => Promise<InstanceView>;
  /** As the original's clients ask: of an instance that is unknown there is no address. */
  readonly findAddress: (instance: InstanceUuid, options?: RunOptions) => Promise<FoundAddress>;
  /** Asks instances to start, stop, reboot and so on: the kinds of `common/wishes`. */
  readonly ask: <Name extends WishName>(
    kind: Name,
    uuidsOrNames: readonly string[],
    options?: AskOptions<Name>,
  ) => Promise<Changed>;
  /** Gives instances other amounts, on another host where theirs has no room for them. `ask` keeps them on their hosts. */
  readonly resize: (uuidsOrNames: readonly string[], options: ResizeOptions) => Promise<Changed>;
  /** Has shelved instances built again, on hosts that have room. */
  readonly unshelve: (uuidsOrNames: readonly string[], options?: UnshelveOptions) => Promise<Changed>;
  readonly destroy: (uuidsOrNames: readonly string[], options?: DestroyOptions) => Promise<Changed>;
  /** The console log of an instance, as the guest wrote it. */
  readonly readConsole: (uuidOrName: string, options: ReadConsoleOptions) => Promise<void>;
  /** Types at the console of an instance, and shows what the guest says. */
  readonly attachConsole: (uuidOrName: string, options: AttachConsoleOptions) => Promise<void>;
  /** A connection to a port of a guest, through the agent of its host. */
  readonly openTunnel: (uuidOrName: string, options: TunnelOptions) => Promise<Socket>;
  /** Whether the agent of an instance's host takes connections from here. @throws EcomputeError when it does not. */
  readonly checkAgent: (uuidOrName: string, options?: RunOptions) => Promise<void>;
  readonly hosts: {
    readonly list: (options?: RunOptions) => Promise<readonly HostView[]>;
    /** Keeps new instances from a host; what is there stays. */
    readonly drain: (uuidOrName: string, options?: DrainOptions) => Promise<Drained>;
    readonly undrain: (uuidOrName: string, options?: RunOptions) => Promise<void>;
    /** Removes a host on which nothing is, and whose agent has ended. */
    readonly remove: (
      uuidOrName: string,
      options?: RemoveHostOptions,
    ) => Promise<{ readonly host: string; readonly name: string }>;
  };
  readonly images: {
    readonly list: (options?: ListImagesOptions) => Promise<readonly ImageView[]>;
    /** Has hosts fetch an image before it is booted. */
    readonly prefetch: (image: string, options: ImageWishOptions) => Promise<ImageWishResult>;
    /** Has hosts forget an image, by URL, digest or `snapshot:NAME`; one that a disk is on is kept. */
    readonly remove: (image: string, options: ImageWishOptions) => Promise<ImageWishResult>;
  };
  readonly audit: (options?: AuditOptions) => Promise<AuditResult>;
}

/** A client, or how to open one when it is first needed. */
type Opened<T> = T | (() => Promise<T>);

export interface CloudOptions {
  readonly store: Opened<Store>;
  readonly capacity: Opened<Capacity>;
  /** Default: keys without a prefix. */
  readonly keys?: Keys;
  /** As Placement knows them. Default `default` both. */
  readonly user?: string;
  readonly project?: string;
  /** How long to find out whether a transaction was written when its reply was lost. Default 10 s. */
  readonly patienceMs?: number;
}

const opener = <T extends object>(given: Opened<T>): (() => Promise<T>) => {
  if (typeof given !== 'function') return async () => given;
  let opened: Promise<T> | undefined;
  return async () => (opened ??= given());
};

/** Nothing is opened or loaded before it is needed. */
export const createCloud = (options: CloudOptions): Cloud => cloudOf(servicesOf(options));

export const servicesOf = ({
  store,
  capacity,
  keys = createKeys(''),
  user = 'default',
  project = DEFAULT_PROJECT,
  patienceMs = 10_000,
}: CloudOptions): Services => ({
  keys,
  store: opener(store),
  capacity: opener(capacity),
  user,
  project,
  patienceMs,
});

export const cloudOf = (services: Services): Cloud => {
  const imageVerb =
    (wish: 'prefetch' | 'remove'): Cloud['images']['prefetch'] =>
    async (image, options) =>
      (await import('./images/ask-for-image.js')).askForImage(services, { wish, image }, options);
  return {
    boot: async (options) => (await import('./boot/boot.js')).boot(services, options),
    list: async (options) => (await import('./instances/list-instances.js')).listInstances(services, options),
    get: async (uuidOrName, options) =>
      (await import('./instances/get-instance.js')).getInstance(services, uuidOrName, options),
    findAddress: async (instance, options) =>
      (await import('./instances/find-address.js')).findAddress(services, instance, options),
    ask: async (kind, uuidsOrNames, options = {}) =>
      (await import('./wishes/ask.js')).ask(services, kind, { ...options, uuidsOrNames }),
    resize: async (uuidsOrNames, options) =>
      (await import('./wishes/resize.js')).resize(services, uuidsOrNames, options),
    unshelve: async (uuidsOrNames, options) =>
      (await import('./shelving/unshelve.js')).unshelve(services, uuidsOrNames, options),
    destroy: async (uuidsOrNames, options = {}) =>
      (await import('./wishes/destroy.js')).destroy(services, uuidsOrNames, options),
    readConsole: async (uuidOrName, options) =>
      (await import('./consoles/read-console.js')).readConsole(services, uuidOrName, options),
    attachConsole: async (uuidOrName, options) =>
      (await import('./consoles/attach-console.js')).attachConsole(services, uuidOrName, options),
    openTunnel: async (uuidOrName, options) =>
      (await import('./consoles/open-tunnel.js')).openTunnel(services, uuidOrName, options),
    checkAgent: async (uuidOrName, options) =>
      (await import('./consoles/check-agent.js')).checkAgent(services, uuidOrName, options),
    hosts: {
      list: async (options) => (await import('./hosts/list-hosts.js')).listHosts(services, options),
      drain: async (uuidOrName, options) => (await import('./hosts/drain.js')).drain(services, uuidOrName, options),
      undrain: async (uuidOrName, options) =>
        (await import('./hosts/undrain.js')).undrain(services, uuidOrName, options),
      remove: async (uuidOrName, options) =>
        (await import('./hosts/remove-host.js')).removeHost(services, uuidOrName, options),
    },
    images: {
      list: async (options) => (await import('./images/list-images.js')).listImages(services, options),
      prefetch: imageVerb('prefetch'),
      remove: imageVerb('remove'),
    },
    audit: async (options) => (await import('./audit/audit.js')).audit(services, options),
  };
};

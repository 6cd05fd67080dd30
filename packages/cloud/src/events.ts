import type { ImageDownload } from '@etcd-compute/common/etcd/messages/image-downloads';
import type { InstanceState } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';
import type { WishName } from '@etcd-compute/common/wishes/kinds';

interface OfInstance {
  readonly instance: InstanceUuid;
  readonly name: string | null;
  readonly host: ProviderUuid;
}

interface OnHost extends OfInstance {
  readonly hostName: string | null;
  readonly state: InstanceState;
  /** The step in hand. */
  readonly step: string | null;
}

/** The progress events of a function. */
export type CloudEvent =
  /** A host was refused by Placement for this instance: the next one is tried. */
  | { readonly type: 'refused'; readonly instance: InstanceUuid; readonly error: Error }
  /** From here on the boot continues without the caller. */
  | ({ readonly type: 'placed' } & OfInstance)
  /** A shelved instance has a host again. From here on its agent builds it, also without the caller. */
  | ({ readonly type: 'unshelving'; readonly hostName: string | null } & OfInstance)
  /** A boot has come to another state or step. */
  | ({ readonly type: 'booting' } & OnHost)
  /** How far the download is that a boot waits for; once for each host. */
  | ({ readonly type: 'downloading'; readonly download: ImageDownload } & OnHost)
  /** Its host could not build it, and another one has it now. */
  | ({ readonly type: 'moved-on'; readonly hostName: string | null; readonly reason: string } & OfInstance)
  | ({ readonly type: 'not-moved-on'; readonly error: Error } & OfInstance)
  /** From here on the agent of its host carries it out, also without the caller; when that agent is down, once it is back. */
  | ({ readonly type: 'destroy-asked'; readonly isHostDown: boolean } & OfInstance)
  | ({ readonly type: 'asked'; readonly kind: WishName; readonly isHostDown: boolean } & OfInstance)
  | ({ readonly type: 'already-deleted' } & OfInstance)
  /** Destroyed by force: its room is free; what is on its host stays until the agent is back. */
  | ({ readonly type: 'given-up' } & OfInstance)
  /** It was to be destroyed by force, and the agent of its host is back. */
  | ({ readonly type: 'not-given-up' } & OfInstance)
  /** So many instances are not gone yet. */
  | { readonly type: 'destroying'; readonly left: number }
  | ({ readonly type: 'changing'; readonly step: string; readonly since: string } & OfInstance)
  /** From here on the host's agent heeds it, also without the caller; when that agent is down, once it is back. */
  | {
      readonly type: 'drain-asked' | 'undrain-asked';
      readonly host: ProviderUuid;
      readonly hostName: string;
      readonly isHostDown: boolean;
    }
  /** From here on the agents carry it out, also without the caller. */
  | { readonly type: 'image-asked'; readonly hosts: readonly ProviderUuid[] }
  /** A console log was cut off, and is asked for again. */
  | { readonly type: 'console-retried'; readonly instance: InstanceUuid; readonly error: Error }
  /** What comes next in a console log does not follow what came before. */
  | { readonly type: 'console-gap'; readonly instance: InstanceUuid }
  | { readonly type: 'console-ended'; readonly instance: InstanceUuid };

import type { ActionName } from '@etcd-compute/common/wishes/kinds';
import type { VmState } from '@etcd-compute/api/compute/servers/engine/status';

/** What clients ask eapi for. */
export interface RequestSpec {
  /** How often, beside the others. */
  readonly weight: number;
  readonly of: 'new-server' | 'server' | 'image' | 'cloud';
  /** An action of a server: its body. */
  readonly action?: (choice: Choice) => object;
  /** Which servers it can be asked of; left out: any. */
  readonly from?: readonly VmState[];
  /** What the server's instance is asked for by it. */
  readonly wish?: ActionName;
}

/** What an action may choose of. */
export interface Choice {
  readonly flavor: string;
  readonly image: string;
  readonly name: string;
}

export const REQUESTS = {
  'server-create': { weight: 7, of: 'new-server' },
  'server-create-many': { weight: 3, of: 'new-server' },
  'server-create-in-group': { weight: 4, of: 'new-server' },
  'server-create-in-zone': { weight: 2, of: 'new-server' },
  'server-delete': { weight: 10, of: 'server' },
  'server-stop': { weight: 3, of: 'server', from: ['active'], wish: 'stop', action: () => ({ 'os-stop': null }) },
  'server-start': { weight: 3, of: 'server', from: ['stopped'], wish: 'start', action: () => ({ 'os-start': null }) },
  'server-reboot': {
    weight: 2,
    of: 'server',
    from: ['active'],
    wish: 'reboot',
    action: () => ({ reboot: { type: 'HARD' } }),
  },
  'server-pause': { weight: 1, of: 'server', from: ['active'], wish: 'pause', action: () => ({ pause: null }) },
  'server-unpause': { weight: 2, of: 'server', from: ['paused'], wish: 'resume', action: () => ({ unpause: null }) },
  'server-suspend': { weight: 1, of: 'server', from: ['active'], wish: 'suspend', action: () => ({ suspend: null }) },
  'server-resume': { weight: 2, of: 'server', from: ['suspended'], wish: 'resume', action: () => ({ resume: null }) },
  'server-rebuild': {
    weight: 2,
    of: 'server',
    from: ['active', 'stopped'],
    wish: 'rebuild',
    action: ({ image }) => ({ rebuild: { imageRef: image } }),
  },
  'server-resize': {
    weight: 4,
    of: 'server',
    from: ['active', 'stopped'],
    wish: 'resize',
    action: ({ flavor }) => ({ resize: { flavorRef: flavor } }),
  },
  'server-confirm-resize': { weight: 3, of: 'server', from: ['resized'], action: () => ({ confirmResize: null }) },
  'server-revert-resize': {
    weight: 3,
    of: 'server',
    from: ['resized'],
    wish: 'resize',
    action: () => ({ revertResize: null }),
  },
  'server-create-image': {
    weight: 3,
    of: 'server',
    from: ['active', 'stopped'],
    action: ({ name }) => ({ createImage: { name } }),
  },
  'server-shelve': {
    weight: 3,
    of: 'server',
    from: ['active', 'stopped'],
    wish: 'shelve',
    action: () => ({ shelve: null }),
  },
  'server-unshelve': {
    weight: 3,
    of: 'server',
    from: ['shelved_offloaded'],
    action: () => ({ unshelve: null }),
  },
  'server-lock': { weight: 1, of: 'server', action: () => ({ lock: null }) },
  'server-unlock': { weight: 2, of: 'server', action: () => ({ unlock: null }) },
  'server-set-metadata': { weight: 2, of: 'server' },
  'server-list': { weight: 2, of: 'cloud' },
  'image-create': { weight: 3, of: 'image' },
  'image-delete': { weight: 3, of: 'image' },
  'quota-set': { weight: 3, of: 'cloud' },
  'token-revoke': { weight: 3, of: 'cloud' },
} as const satisfies Record<string, RequestSpec>;

export type RequestKind = keyof typeof REQUESTS;

// eslint-disable-next-line typescript/no-unsafe-type-assertion -- Object.keys does not know that there are no others
export const REQUEST_KINDS = Object.keys(REQUESTS) as readonly RequestKind[];

export const specOfRequest = (kind: RequestKind): RequestSpec => REQUESTS[kind];

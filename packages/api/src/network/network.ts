import type { Caller } from '../http/caller.js';
import { createRules } from '../http/rules.js';
import { RULES } from './rules.js';
import type { HostNetworksStore } from './state/host-networks.js';
import type { InstanceReader } from './state/read-instances.js';

/** What the routes of networks work with. */
export interface Network {
  readonly hosts: Pick<HostNetworksStore, 'view' | 'hostName'>;
  readonly instances: InstanceReader;
  /** Ids of all projects there are. */
  readonly projects: () => readonly string[];
  /** Ends in `/v2.0`. */
  readonly url: string;
}

const { allows } = createRules(RULES);

/** Sees what belongs to any project. */
export const isOverseer = (caller: Caller): boolean => allows('overseer', caller, {});

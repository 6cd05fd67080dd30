import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { Lend } from '../libvirt/link.js';
import type { NetworksConfig } from '../networks/host-networks.js';
import type { Nic } from '../networks/nics.js';
import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import { allNetworks } from '../config/network.js';
import type { Answer, Answers } from './answer.js';
import { FOUND } from './answer.js';
import {
  askGuestAgent,
  createAskArp,
  explainArp,
  explainGuestAgent,
  readGuestFacts,
  type GuestFacts,
} from './ask-libvirt.js';
import { createRateLimit } from '../limits/rate-limit.js';
import { createInquiry } from './inquiry.js';
import { createLeaseWatch } from './leases.js';

/**
 * The known addresses of running guests. Leases of the network are read at once; the guest's agent and the host's ARP table are asked in the
 * background. Whatever is found later wakes the reconciler of its instance, which looks again.
 *
 * The watch looks at a guest again when it is twice as old as at the last look, and then once a period: addresses appear when a guest is
 * young. It makes calls for a domain once when the domain is new, and then only if the guest's agent is connected or an interface has no
 * address otherwise.
 */
export interface AddressWatch {
  /** @param since when the guest was started: older answers no longer count. @throws when libvirt is away. */
  look(instance: InstanceUuid, since: Date): Promise<Look>;
  forget(instance: InstanceUuid): void;
  /** The guest has got or lost an interface: its addresses are looked for as in a young guest. */
  interfacesChanged(instance: InstanceUuid): void;
  /** The guest's agent connected or disconnected. */
  agentChanged(instance: InstanceUuid, isConnected: boolean): void;
  /** The connection to libvirt is new: read again which agents are connected. */
  reset(): void;
}

export interface Look {
  /** The MACs of the guest's interfaces, in the machine's order. */
  readonly macs: readonly string[];
  readonly answers: Answers;
  /** The guest is young: an address may still come. */
  readonly isYoung: boolean;
}

export interface AddressWatchOptions {
  readonly getConnection: () => Connection;
  /** For calls that wait for a guest. */
  readonly lend: Lend;
  readonly config: NetworksConfig;
  /** How long a new guest may take to get an address. */
  readonly deadlineMs: number;
  readonly periodMs: number;
  readonly wake: (instance: InstanceUuid) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly now?: () => number;
}

interface Guest {
  readonly since: Date;
  /** When it was started, or got or lost an interface. */
  changedAtMs: number;
  facts: GuestFacts | undefined;
  /** The last event of the guest's agent since the facts began to be read. */
  heard: 'connected' | 'disconnected' | undefined;
  agentLeftAtMs: number;
  timer: NodeJS.Timeout | undefined;
  /** The result of the last look. */
  said: Look | undefined;
}

const SOONEST_MS = 5_000;
/** Limits for each guest: changes of its answers cause writes to etcd, and events of its agent wake its reconciler. The bursts allow for a boot. */
const CHANGES = { burst: 16, perSecond: 1 / 30 };
const EVENTS = { burst: 16, perSecond: 1 / 5 };

const none = (said: string): Answer => ({ said, addresses: [] });

export const createAddressWatch = (options: AddressWatchOptions): AddressWatch => {
  const { config, deadlineMs, periodMs, wake, log, signal, now = Date.now } = options;
  const guests = new Map<InstanceUuid, Guest>();
  const leases = new Map(
    allNetworks(config).map((network) => [network.name, createLeaseWatch({ ...options, network })]),
  );
  const isLeased = ({ network }: Nic): boolean => leases.has(network);
  const changes = createRateLimit({ ...CHANGES, now });
  const events = createRateLimit({ ...EVENTS, now });
  /** When the agent stops, it drops the questions that still wait. */
  const getConnection = (): Connection => {
    signal.throwIfAborted();
    return options.getConnection();
  };
  const agents = createInquiry({
    ask: async (instance, macs) =>
      options.lend('guest', async (connection) => {
        signal.throwIfAborted();
        return askGuestAgent(connection, instance, macs);
      }),
    nothing: 'the guest agent knows of no address',
    explain: explainGuestAgent,
    wake,
    now,
  });
  const arp = createInquiry({
    ask: createAskArp({ getConnection, log, pauseMs: periodMs, now }),
    nothing: 'the host has no such neighbour',
    explain: explainArp,
    wake,
    now,
  });

  const forget = (instance: InstanceUuid): void => {
    clearTimeout(guests.get(instance)?.timer);
    guests.delete(instance);
    for (const source of [...leases.values(), agents, arp]) source.forget(instance);
  };
  const follow = (instance: InstanceUuid, since: Date): Guest => {
    const known = guests.get(instance);
    if (known?.since.getTime() === since.getTime()) return known;
    forget(instance);
    const guest: Guest = {
      since,
      changedAtMs: since.getTime(),
      facts: undefined,
      heard: undefined,
      agentLeftAtMs: Number.NEGATIVE_INFINITY,
      timer: undefined,
      said: undefined,
    };
    guests.set(instance, guest);
    return guest;
  };
  const wakeAfter = (instance: InstanceUuid, guest: Guest, delayMs: number): void => {
    clearTimeout(guest.timer);
    guest.timer = setTimeout(wake, delayMs, instance).unref();
  };
  /** Holds changes back when a guest's answers change too often, and wakes the reconciler later for the latest. */
  const settle = (instance: InstanceUuid, guest: Guest, look: Look): Look => {
    const isSame = guest.said !== undefined && JSON.stringify(guest.said.answers) === JSON.stringify(look.answers);
    if (!isSame && guest.said !== undefined && !changes.take(instance)) {
      wakeAfter(instance, guest, changes.msUntilNext(instance));
      return { ...guest.said, isYoung: look.isYoung };
    }
    guest.said = look;
    return look;
  };
  const factsOf = async (instance: InstanceUuid, guest: Guest): Promise<GuestFacts> => {
    if (guest.facts) return guest.facts;
    guest.heard = undefined;
    const facts = await readGuestFacts(getConnection(), instance, config);
    // The agent may have connected or disconnected meanwhile.
    guest.facts = guest.heard === undefined ? facts : { ...facts, agent: guest.heard };
    return guest.facts;
  };

  const lookAtLeases = async (instance: InstanceUuid, guest: Guest, facts: GuestFacts): Promise<Answer> => {
    if (!facts.nics.some(isLeased))
      return none(
        `the guest has no interface on the network ${[...leases.keys()].map((name) => `'${name}'`).join(' or ')}`,
      );
    const { since } = guest;
    const until = new Date(guest.changedAtMs + deadlineMs);
    const addresses: Address[] = [];
    for (const [name, watch] of leases) {
      const macs = facts.nics.filter(({ network }) => network === name).map(({ mac }) => mac);
      if (macs.length === 0) continue;
      const found = await watch.find(instance, macs, since);
      addresses.push(...found);
      if (found.length === 0 && until.getTime() > now()) watch.expect(instance, { macs, since, until });
      else watch.forget(instance);
    }
    if (addresses.length > 0) return { said: FOUND, addresses };
    return none(until.getTime() > now() ? 'no lease yet' : `no lease within ${deadlineMs / 1000} s`);
  };
  const lookAtAgent = (
    instance: InstanceUuid,
    { agentLeftAtMs }: Guest,
    { facts, everyMs }: { facts: GuestFacts; everyMs: number },
  ): Answer | 'pending' => {
    if (facts.agent === 'none') return none('the guest has no channel for a guest agent');
    const macs = facts.nics.map(({ mac }) => mac);
    if (facts.agent === 'connected') return agents.latest(instance, { macs, everyMs }) ?? 'pending';
    // An agent that restarts is back soon, most likely with the same addresses.
    const before = now() - agentLeftAtMs < periodMs / 2 ? agents.known(instance) : undefined;
    return before ?? none('no guest agent is connected');
  };

  return {
    look: async (instance, since) => {
      const guest = follow(instance, since);
      const facts = await factsOf(instance, guest);
      const lease = await lookAtLeases(instance, guest, facts);
      const ageMs = Math.max(0, now() - guest.changedAtMs);
      const nextMs = Math.min(Math.max(ageMs, SOONEST_MS), periodMs);
      const isYoung = ageMs < deadlineMs;
      clearTimeout(guest.timer);
      // Older guests are looked at once a period anyway.
      if (nextMs < periodMs) wakeAfter(instance, guest, nextMs);
      // Ask a little earlier than the next look, which may come early.
      const everyMs = nextMs / 2;
      const agent = lookAtAgent(instance, guest, { facts, everyMs });
      const told = [lease, agent].flatMap((answer) => (answer === 'pending' ? [] : answer.addresses));
      const isMissing = facts.nics.some(
        (nic) => !(isLeased(nic) && isYoung) && !told.some(({ mac }) => mac === nic.mac),
      );
      const macs = facts.nics.map(({ mac }) => mac);
      // The agent's answer may make ARP unnecessary.
      const askArp = (): Answer | 'pending' =>
        agent === 'pending' ? 'pending' : (arp.latest(instance, { macs, everyMs }) ?? 'pending');
      const neighbour = isMissing ? askArp() : undefined;
      const answers = { lease, agent, ...(neighbour !== undefined && { arp: neighbour }) };
      return settle(instance, guest, { macs, isYoung, answers });
    },
    forget,
    interfacesChanged: (instance) => {
      const guest = guests.get(instance);
      if (!guest) return;
      guest.facts = undefined;
      guest.changedAtMs = now();
    },
    agentChanged: (instance, isConnected) => {
      const guest = guests.get(instance);
      if (!guest) return;
      guest.heard = isConnected ? 'connected' : 'disconnected';
      if (guest.facts) guest.facts = { ...guest.facts, agent: guest.heard };
      if (isConnected) agents.hasNews(instance);
      else guest.agentLeftAtMs = now();
      if (events.take(instance)) wake(instance);
      else wakeAfter(instance, guest, events.msUntilNext(instance));
    },
    reset: () => {
      for (const guest of guests.values()) guest.facts = undefined;
    },
  };
};

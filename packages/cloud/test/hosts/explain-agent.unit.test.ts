import { newProviderUuid, newSessionUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { describeTrouble, explainAgent, explainHosts } from '@etcd-compute/cloud/hosts/explain-agent';
import type { SeenAgent } from '@etcd-compute/cloud/hosts/presences';
import { describe, expect, test } from 'vitest';

const trouble = { code: 'libvirt-hangs', since: new Date(2026, 0, 31, 12, 3, 11).toISOString(), message: 'no answer' };

const anAgent = (host: ProviderUuid, changes: Partial<SeenAgent> = {}): SeenAgent => ({
  host,
  hostname: 'web',
  session: newSessionUuid(),
  state: 'up',
  trouble: null,
  agent_version: '1',
  started_at: trouble.since,
  ...changes,
});

describe('trouble of a host', () => {
  test('is told with the time, and with the day when that is not today', () => {
    expect(describeTrouble(trouble, new Date(2026, 0, 31, 23))).toBe('libvirt hangs since 12:03:11');
    expect(describeTrouble(trouble, new Date(2026, 1, 1, 1))).toBe('libvirt hangs since 2026-01-31 12:03:11');
  });

  test('is why nothing can be done there, as are an agent that is down or draining', () => {
    const host = newProviderUuid();
    expect(explainAgent(undefined)).toBe('its agent is down');
    expect(explainAgent(anAgent(host))).toBeUndefined();
    expect(explainAgent(anAgent(host, { state: 'draining' }))).toBe('its agent is draining');
    const drain = { since: trouble.since, reason: 'new disks' };
    expect(explainAgent(anAgent(host, { state: 'draining', drain }))).toMatch(
      /^it is drained since .*12:03:11 \(new disks\)$/,
    );
    expect(explainAgent(anAgent(host, { trouble }))).toMatch(/^libvirt hangs since .*12:03:11: no answer$/);
  });

  test('ends the sentence on what takes too long, once for each host', () => {
    const [up, down, troubled] = [newProviderUuid(), newProviderUuid(), newProviderUuid()];
    const presences = new Map([
      [up, anAgent(up)],
      [troubled, anAgent(troubled, { trouble })],
    ]);
    expect(explainHosts([up, up], presences)).toBe('');
    expect(explainHosts([up, down, down, troubled], presences)).toMatch(
      new RegExp(`^: the agent of host ${down} is down; on host web, libvirt hangs since .*: no answer$`),
    );
  });
});

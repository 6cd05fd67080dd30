import { createKeys } from '@etcd-compute/common/etcd/keys';
import { instanceUuidSchema, providerUuidSchema } from '@etcd-compute/common/ids';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const host = fc.uuid().map((uuid) => providerUuidSchema.parse(uuid));
const instance = fc.uuid().map((uuid) => instanceUuidSchema.parse(uuid));
const prefix = fc.constantFrom('', '/cloud1', '/a/b.c', '/hosts');
/** What people, other programs and other versions may put there. */
const anyKey = fc.oneof(
  fc.string(),
  fc
    .tuple(prefix, fc.constantFrom('hosts', 'instances', 'agents', 'booted', 'audits', 'images'), fc.uuid(), fc.uuid())
    .map((parts) => parts.join('/')),
  fc.tuple(prefix, fc.uuid(), fc.uuid()).map(([before, a, b]) => `${before}/hosts/${a.toUpperCase()}/${b}`),
);

describe('keys', () => {
  test('are the original’s without a prefix', () => {
    const keys = createKeys('');
    const h = providerUuidSchema.parse('c1a6523e-c50a-42c2-8952-f2d3a8479e99');
    const i = instanceUuidSchema.parse('6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d');
    expect(keys.request(h, i)).toBe(`/hosts/${h}/${i}`);
    expect(keys.requestsOf(h)).toBe(`/hosts/${h}/`);
    expect(keys.booted(i)).toBe(`/booted/${i}`);
    expect(keys.report(h, i)).toBe(`/reports/${h}/${i}`);
    expect(keys.location(i)).toBe(`/instances/${i}`);
    expect(keys.name('default', 'web')).toBe('/names/default/web');
    expect(keys.ending(i)).toBe(`/ending/${i}`);
    expect(keys.agent(h)).toBe(`/agents/${h}`);
    expect(keys.audit(h)).toBe(`/audits/${h}`);
    expect(keys.console(h)).toBe(`/consoles/${h}`);
    expect(keys.imageReport(h)).toBe(`/images/${h}/report`);
    expect(keys.imageWish(h, i)).toBe(`${keys.imageWishesOf(h)}${i}`);
    expect(keys.endpoint(h)).toBe(`/endpoints/${h}`);
    const named = { project: 'default', name: 'golden' };
    expect(keys.snapshot(named)).toBe('/snapshots/default/golden');
    expect(keys.imageSnapshot(h, named)).toBe(`${keys.imageSnapshotsOf(h)}default/golden`);
    expect(keys.parseImageSnapshot(keys.imageSnapshot(h, named))).toEqual({ host: h, ...named });
    for (const key of [keys.imageReport(h), `${keys.imageSnapshotsOf(h)}default`, `${keys.imageSnapshotsOf(h)}a/b/c`])
      expect(keys.parseImageSnapshot(key)).toBeUndefined();
  });

  test('parse is the inverse of build, under any prefix', () => {
    fc.assert(
      fc.property(prefix, host, instance, (before, h, i) => {
        const keys = createKeys(before);
        expect(keys.parseRequest(keys.request(h, i))).toEqual({ host: h, instance: i });
        expect(keys.parseReport(keys.report(h, i))).toEqual({ host: h, instance: i });
        expect(keys.parseLocation(keys.location(i))).toBe(i);
        expect(keys.parseName(keys.name('a.b', 'web-1'))).toEqual({ project: 'a.b', name: 'web-1' });
        expect(keys.parseEnding(keys.ending(i))).toBe(i);
        expect(keys.parseAgent(keys.agent(h))).toBe(h);
        expect(keys.parseBooted(keys.booted(i))).toBe(i);
        expect(keys.parseAudit(keys.audit(h))).toBe(h);
        expect(keys.parseImageReport(keys.imageReport(h))).toBe(h);
        expect(keys.parseImageReport(keys.imageWish(h, i))).toBeUndefined();
      }),
    );
  });

  test('build is the inverse of parse: a key in another spelling is another key', () => {
    fc.assert(
      fc.property(prefix, anyKey, (before, key) => {
        const keys = createKeys(before);
        const request = keys.parseRequest(key);
        const report = keys.parseReport(key);
        const location = keys.parseLocation(key);
        const name = keys.parseName(key);
        const ending = keys.parseEnding(key);
        const agent = keys.parseAgent(key);
        const booted = keys.parseBooted(key);
        const audit = keys.parseAudit(key);
        const rebuilt = [
          booted && keys.booted(booted),
          audit && keys.audit(audit),
          request && keys.request(request.host, request.instance),
          report && keys.report(report.host, report.instance),
          location && keys.location(location),
          name && keys.name(name.project, name.name),
          ending && keys.ending(ending),
          agent && keys.agent(agent),
        ];
        for (const again of rebuilt.filter((text) => text !== undefined)) expect(again).toBe(key);
      }),
    );
  });

  test('stand under what they are listed by, and no kind under another’s', () => {
    fc.assert(
      fc.property(prefix, host, instance, (before, h, i) => {
        const keys = createKeys(before);
        expect(keys.request(h, i).startsWith(keys.requestsOf(h))).toBe(true);
        expect(keys.requestsOf(h).startsWith(keys.requests)).toBe(true);
        expect(keys.report(h, i).startsWith(keys.reportsOf(h))).toBe(true);
        expect(keys.reportsOf(h).startsWith(keys.reports)).toBe(true);
        const own = [keys.request(h, i), keys.report(h, i), keys.agent(h), keys.audit(h)];
        const kinds = [...own, keys.location(i), keys.name('p', 'n'), keys.ending(i), keys.booted(i)];
        const { requests, reports, locations, names, endings, agents, bootedAll, audits } = keys;
        for (const list of [requests, reports, locations, names, endings, agents, bootedAll, audits])
          expect(kinds.filter((key) => key.startsWith(list))).toHaveLength(1);
      }),
    );
  });

  test.each(['/hosts/', '/hosts/x/y', '/host/', '', '/hosts/6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d'])(
    '%j is no request',
    (key) => {
      expect(createKeys('').parseRequest(key)).toBeUndefined();
    },
  );
});

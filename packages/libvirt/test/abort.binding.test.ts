import { describe, expect, it } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import { configureThreads } from '@etcd-compute/libvirt/threads';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { aDomain } from './builders.js';
import { startSilentDaemon } from './silent-daemon.js';

const URI = 'test:///default';

// One thread for the whole file, so that a call behind one that hangs has surely not begun.
configureThreads({ maxThreads: 1 });

describe('an aborted wait', () => {
  it('ends the wait at once for a call that hangs, and drops one that has not begun', async () => {
    await using daemon = await startSilentDaemon();
    await using connection = await connect(URI);
    const abandon = new AbortController();
    const hanging = connect(daemon.uri, { signal: abandon.signal });
    await daemon.connections(1);
    const queued = new AbortController();
    const spec = aDomain();
    const defining = connection.domainDefineXML(renderDomain(spec), 0, { signal: queued.signal });
    queued.abort(new Error('never mind'));
    await expect(defining).rejects.toThrow('never mind');
    abandon.abort(new Error('too slow'));
    await expect(hanging).rejects.toThrow('too slow');
    daemon.hangUp(); // the abandoned call ends, and its thread is free again
    await expect(connection.domainLookupByUUID(spec.uuid)).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN' });
    await expect(connection.getType({ signal: AbortSignal.abort(new Error('already')) })).rejects.toThrow('already');
  });
});

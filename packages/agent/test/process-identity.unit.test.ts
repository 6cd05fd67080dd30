import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { identifyThisProcess, isKnownDead } from '@etcd-compute/agent/process-identity';
import { describe, expect, test } from 'vitest';

describe('isKnownDead', () => {
  test('this process lives', async () => {
    const me = await identifyThisProcess();
    expect(me.pid).toBe(process.pid);
    expect(await isKnownDead(me)).toBe(false);
  });

  test('another process with the pid of a dead one is not it', async () => {
    const me = await identifyThisProcess();
    expect(await isKnownDead({ ...me, start_ticks: String(BigInt(me.start_ticks) - 1n) })).toBe(true);
  });

  test('a process of another machine may live, also when that has the same name, as a copy of a disk has', async () => {
    const me = await identifyThisProcess();
    expect(await isKnownDead({ ...me, boot_id: '00000000-0000-0000-0000-000000000000' })).toBe(false);
    expect(await isKnownDead({ ...me, machine: 'another', start_ticks: '1' })).toBe(false);
  });

  test('a pid that nobody has is dead', async () => {
    expect(await isKnownDead({ ...(await identifyThisProcess()), pid: 2 ** 22 + 1 })).toBe(true);
  });

  test('a process that was killed and not yet reaped is dead', async () => {
    // The shell starts a child, prints its pid and becomes a program that never reaps it.
    const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; kill -9 $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [line]: unknown[] = await once(parent.stdout, 'data');
      const { machine, boot_id } = await identifyThisProcess();
      const zombie = {
        machine,
        boot_id,
        pid: Number(String(line)),
        start_ticks: await startTicksOf(Number(String(line))),
      };
      expect(await isKnownDead(zombie)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });
});

/** Waits for the process to be a zombie. @returns when it was started. */
const startTicksOf = async (pid: number): Promise<string> => {
  const { readFile } = await import('node:fs/promises');
  for (;;) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return fields[19] ?? '';
    await new Promise(setImmediate);
  }
};

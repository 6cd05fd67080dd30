import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { identifyThisProcess, isKnownDead, type ProcessIdentity } from '@etcd-compute/agent/process/process-identity';
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

  test('a process that has ended and is not yet reaped is dead', async () => {
    const parent = spawn('python3', ['-c', WITHOUT_REAPING], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [line]: unknown[] = await once(parent.stdout, 'data');
      expect(await isKnownDead(await identifyZombie(Number(String(line))))).toBe(true);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  test('a process whose first thread has ended lives while another one does', async () => {
    const child = spawn('python3', ['-c', WITHOUT_FIRST_THREAD], { stdio: 'ignore' });
    try {
      expect(await isKnownDead(await identifyZombie(Number(child.pid)))).toBe(false);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

/** Prints the pid of a child that ends at once. A shell may reap its child before it becomes another program. */
const WITHOUT_REAPING = `
import os, time
pid = os.fork()
if pid == 0: os._exit(0)
print(pid, flush=True)
time.sleep(1000)
`;

const WITHOUT_FIRST_THREAD = `
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
ctypes.CDLL(None).pthread_exit(None)
`;

/** Waits for the process to be a zombie. */
const identifyZombie = async (pid: number): Promise<ProcessIdentity> => ({
  ...(await identifyThisProcess()),
  pid,
  start_ticks: await startTicksOf(pid),
});

/** @returns when it was started. */
const startTicksOf = async (pid: number): Promise<string> => {
  for (;;) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return fields[19] ?? '';
    await new Promise(setImmediate);
  }
};

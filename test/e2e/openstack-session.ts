import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { findCommand } from '@etcd-compute/testing/service';

/** `openstack` without a command: it reads one after the other, and starts only once. */
export interface OpenstackSession extends AsyncDisposable {
  /**
   * Types a command, whose words cannot be quoted, when those before are done. @returns what the client says, on both of its streams, without the space around it.
   *
   * @throws Error when the client ends by it, as it does after a `--wait` for what fails, or takes longer than two minutes.
   */
  readonly type: (command: string) => Promise<string>;
}

interface Typed {
  readonly command: string;
  /** The line after what it says. */
  readonly end: string;
  readonly said: string[];
  readonly answer: (said: string) => void;
  readonly fail: (error: Error) => void;
}

const TIMEOUT_MS = 120_000;

export const openOpenstackSession = ({ env, cwd }: { env: NodeJS.ProcessEnv; cwd: string }): OpenstackSession => {
  // Into one pipe, so that what it says comes in its order.
  const child = spawn('bash', ['-c', 'exec "$1" 2>&1', 'bash', findCommand('openstack')], {
    env: { ...env, PYTHONUNBUFFERED: '1' },
    cwd,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const typed: Typed[] = [];
  // Commands that are typed into a pipe that is closed fail by `close`.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      for (const { command, said, fail } of typed.splice(0))
        fail(new Error(`openstack has ended before it was done with '${command}', and said:\n${said.join('\n')}`));
      resolve();
    });
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [current] = typed;
    if (!current || !line.endsWith(current.end)) {
      current?.said.push(line);
      return;
    }
    typed.shift();
    // Progress has no end of line.
    current.said.push(line.slice(0, -current.end.length));
    current.answer(current.said.join('\n').trim());
  });
  return {
    type: async (command) => {
      // What waits for it fails when it is killed.
      const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
      const said = new Promise<string>((answer, fail) => {
        const end = `end-of-${randomUUID()}`;
        typed.push({ command, end, said: [], answer, fail });
        if (child.stdin.destroyed) fail(new Error(`openstack has ended: '${command}' cannot be typed`));
        // What begins with an exclamation mark is for the shell.
        child.stdin.write(`${command}\n!echo ${end}\n`);
      });
      return said.finally(() => clearTimeout(timer));
    },
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await ended;
    },
  };
};

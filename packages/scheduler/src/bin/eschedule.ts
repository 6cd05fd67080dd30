import { EXIT_CODES } from '../exit-code.js';
import { createInterruption } from '../interruption.js';
import { main } from '../main.js';

performance.mark('eschedule:loaded');

const interruption = createInterruption();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    // The first ends the command in order, the second at once.
    if (interruption.signal.aborted) process.exit(EXIT_CODES.interrupted);
    interruption.interrupt();
  });

// Whoever reads our output may have seen enough, as `head` has.
process.stdout.on('error', (err: NodeJS.ErrnoException) => {
  process.exit(err.code === 'EPIPE' ? EXIT_CODES.done : EXIT_CODES.failed);
});

/** Resolves when all that was written has left this process: Node does not wait for a socket, which a parent's pipe may be. */
const flush = async (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    stream.write('', () => resolve());
  });

const run = async (): Promise<void> => {
  const code = await main(process.argv.slice(2), interruption);
  await flush(process.stdout);
  await flush(process.stderr);
  // Open connections to etcd and Placement would keep the process up for a while.
  process.exit(code);
};
void run();

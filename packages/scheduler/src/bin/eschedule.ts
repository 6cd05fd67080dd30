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

// exit(), because open connections to etcd and Placement would keep the process up for a while; standard output is written
// synchronously to files, terminals and, on POSIX, pipes.
void main(process.argv.slice(2), interruption).then((code) => process.exit(code));

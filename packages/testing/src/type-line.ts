import type { Duplex } from 'node:stream';
import { waitFor } from './wait-for.js';

/** A domain of `@etcd-compute/libvirt`. */
export interface ConsoleOwner {
  openConsole(deviceName: null): Promise<Duplex>;
}

/** Types a line at the shell on the guest's serial console, once the shell is there. */
export const typeLine = async (domain: ConsoleOwner, line: string): Promise<void> => {
  const terminal = await domain.openConsole(null);
  terminal.resume();
  terminal.on('error', () => undefined); // the guest goes away under it
  // The shell comes after the address.
  let text = '';
  terminal.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await waitFor(
    () => {
      if (!text.includes('ready-5')) terminal.write('\recho ready-$((2+3))\r');
      return text.includes('ready-5');
    },
    { what: 'a shell in the guest', intervalMs: 500 },
  );
  terminal.write(`${line}\r`);
  await waitFor(() => text.includes(line), { what: 'the line to be typed' });
  terminal.destroy();
};

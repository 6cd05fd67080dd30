import { connect } from '@etcd-compute/libvirt/connection';
import { waitFor } from '@etcd-compute/testing/wait-for';

/**
 * Runs a command at the shell on the tiny guest's console, to its end.
 *
 * @param uri of its hypervisor.
 * @returns what it wrote.
 */
export const runInGuest = async (uri: string, instance: string, command: string): Promise<string> => {
  await using connection = await connect(uri);
  await using domain = await connection.domainLookupByUUID(instance);
  const terminal = await domain.openConsole(null);
  let text = '';
  terminal.on('error', () => undefined);
  terminal.on('data', (chunk: Buffer) => (text += chunk.toString()));
  // The shell comes after the address, and the words as they are typed are not those that it writes.
  await waitFor(
    () => {
      if (!text.includes('ready-5')) terminal.write('\rstty cols 500; echo ready-$((2+3))\r');
      return text.includes('ready-5');
    },
    { what: 'a shell in the guest', intervalMs: 300, onTimeout: () => text },
  );
  terminal.write(`echo begin-$((2+5)); ${command}; echo end-$((2+7))\r`);
  await waitFor(() => text.includes('end-9'), { what: `'${command}' to end`, onTimeout: () => text });
  terminal.destroy();
  return (/begin-7\r*\n([\s\S]*?)end-9/.exec(text)?.[1] ?? '').replaceAll('\r', '').trim();
};

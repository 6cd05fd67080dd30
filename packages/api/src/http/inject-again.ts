import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

interface Upgrade {
  readonly raw: IncomingMessage;
  readonly socket: Socket;
  /** What came after the head of the request. */
  readonly head: Buffer;
}

/** What asks for the upgrade. */
const DROPPED = new Set(['upgrade', 'http2-settings']);

/**
 * Has Node serve a request as if it had asked for no upgrade. Once anybody listens for upgrades, Node reads nothing of such a request but its
 * head; and Java's and curl's clients ask every server for HTTP/2 that way. So the head is put back without it, and the connection
 * begins anew.
 */
export const injectAgain = (server: Pick<Server, 'emit'>, { raw, socket, head }: Upgrade): void => {
  const { method = 'GET', url = '/', httpVersion, rawHeaders } = raw;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = [rawHeaders[index], rawHeaders[index + 1]];
    if (DROPPED.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${name.toLowerCase() === 'connection' ? withoutDropped(value) : value}`);
  }
  if (head.length > 0) socket.unshift(head);
  socket.unshift(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'));
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket);
};

const withoutDropped = (connection: string): string =>
  connection
    .split(',')
    .map((option) => option.trim())
    .filter((option) => !DROPPED.has(option.toLowerCase()))
    .join(', ');

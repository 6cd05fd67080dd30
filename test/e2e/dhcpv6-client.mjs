/**
 * Asks for an IPv6 address on an interface as a guest does, and prints the one that it gets: `node dhcpv6-client.mjs INTERFACE MAC`. The MAC is its identifier.
 * One Solicit with rapid commit (RFC 8415, 18.2.1), once a second until there is an answer.
 */
import { createSocket } from 'node:dgram';

const [, , name, mac] = process.argv;
const option = (code, ...data) => {
  const content = Buffer.concat(data.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(4);
  head.writeUInt16BE(code);
  head.writeUInt16BE(content.length, 2);
  return Buffer.concat([head, content]);
};
const duid = [0, 3, 0, 1, ...mac.split(':').map((digits) => Number.parseInt(digits, 16))];
const solicit = Buffer.concat([
  Buffer.from([1, 1, 2, 3]),
  option(1, duid),
  option(3, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
  option(8, [0, 0]),
  option(14),
]);

/** The data of the first option of this code. */
const find = (options, code) => {
  for (let at = 0; at + 4 <= options.length; at += 4 + options.readUInt16BE(at + 2))
    if (options.readUInt16BE(at) === code) return options.subarray(at + 4, at + 4 + options.readUInt16BE(at + 2));
  return undefined;
};

const socket = createSocket('udp6');
socket.on('message', (reply) => {
  const lease = find(find(reply.subarray(4), 3)?.subarray(12) ?? Buffer.alloc(0), 5);
  if (reply[0] !== 7 || !lease) return;
  process.stdout.write(`${lease.subarray(0, 16).toString('hex').match(/.{4}/g).join(':')}\n`);
  process.exit(0);
});
socket.bind(546, () => {
  socket.setMulticastInterface(`::%${name}`);
  const send = () => socket.send(solicit, 547, `ff02::1:2%${name}`, () => undefined);
  send();
  setInterval(send, 1000);
});

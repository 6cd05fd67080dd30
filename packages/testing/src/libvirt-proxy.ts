/**
 * A proxy before a libvirtd that knows libvirt's messages, and can hold back those that answer something while the connection stays
 * alive: what a daemon does that has lost a reply, or whose threads all hang.
 *
 * A message is its length (4 bytes, with themselves), program, version, procedure, type, serial and status (4 bytes each, all
 * big-endian), and what the procedure has to say: https://libvirt.org/kbase/internals/rpc.html
 */
import { startTcpProxy } from './tcp-proxy.js';
import type { ProxyFilter, ProxyTarget, TcpProxy } from './tcp-proxy.js';

export interface LibvirtProxy extends AsyncDisposable {
  /** To cut, stall and refuse connections. */
  readonly wire: TcpProxy;
  /**
   * Loses the next reply of the daemon, of this procedure when given (a number of remote_protocol.x). Whoever waits for it does so for
   * ever; everything else on its connection goes on.
   */
  loseReply(procedure?: number): void;
  /** Whether a reply that was to be lost has not come yet; it is lost no more after `false`. */
  readonly isLosing: boolean;
  keepReplies(): void;
  /** How many replies were lost. */
  readonly lostReplies: number;
  /** Holds back all that the daemon says but for keepalive, until `speak`. */
  hush(): void;
  speak(): void;
}

const KEEPALIVE_PROGRAM = 0x6b656570;
const TYPE_REPLY = 1;

interface Message {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
}

const parse = (bytes: Buffer): Message => ({
  program: bytes.readUInt32BE(4),
  procedure: bytes.readUInt32BE(12),
  type: bytes.readUInt32BE(16),
});

export async function startLibvirtProxy(
  target: ProxyTarget,
  options: { readonly path: string },
): Promise<LibvirtProxy> {
  let losing: { readonly procedure: number | undefined } | undefined;
  let lostReplies = 0;
  let isHushed = false;
  const held: (() => void)[] = [];

  const judge = (message: Message): 'pass' | 'lose' | 'hold' => {
    if (message.program === KEEPALIVE_PROGRAM) return 'pass';
    if (isHushed) return 'hold';
    const isLost =
      losing && message.type === TYPE_REPLY && (losing.procedure ?? message.procedure) === message.procedure;
    return isLost ? 'lose' : 'pass';
  };

  const filter: ProxyFilter = (direction, pass) => {
    if (direction === 'up') return pass;
    return splitMessages((bytes) => {
      const verdict = judge(parse(bytes));
      if (verdict === 'pass') pass(bytes);
      if (verdict === 'hold') held.push(() => pass(bytes));
      if (verdict !== 'lose') return;
      losing = undefined;
      lostReplies += 1;
    });
  };

  const wire = await startTcpProxy(target, { ...options, filter });
  return {
    wire,
    loseReply: (procedure) => {
      losing = { procedure };
    },
    get isLosing() {
      return losing !== undefined;
    },
    keepReplies: () => {
      losing = undefined;
    },
    get lostReplies() {
      return lostReplies;
    },
    hush: () => {
      isHushed = true;
    },
    speak: () => {
      isHushed = false;
      for (const send of held.splice(0)) send();
    },
    [Symbol.asyncDispose]: async () => wire.stop(),
  };
}

/** Gives whole messages, whatever pieces they arrive in. */
function splitMessages(onMessage: (bytes: Buffer) => void): (bytes: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (bytes) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 4 && rest.length >= rest.readUInt32BE(0)) {
      const length = rest.readUInt32BE(0);
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      onMessage(message);
    }
  };
}

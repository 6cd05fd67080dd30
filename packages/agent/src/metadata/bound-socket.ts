import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

/*
 * A TCP socket that hears only what comes in through one network device: something Node cannot ask for. So nobody else than those on
 * that device can connect (and this host itself, from an address that is no guest's), and agents on other bridges may listen on the same address beside us.
 *
 * The numbers are Linux's, the same on all machines that the agent runs on.
 */

const AF_INET = 2;
const SOCK_STREAM_CLOEXEC_NONBLOCK = 1 | 0o2000000 | 0o4000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_BINDTODEVICE = 25;

interface Libc {
  readonly socket: (domain: number, type: number, protocol: number) => number;
  readonly setsockopt: (...args: [fd: number, level: number, name: number, value: Buffer, size: number]) => number;
  readonly bind: (fd: number, address: Buffer, size: number) => number;
  readonly close: (fd: number) => number;
}

/* eslint-disable typescript/no-unsafe-type-assertion -- the prototypes are the truth; the compiler cannot read them */
const loadLibc = (): Libc => {
  const library = koffi.load(null);
  return {
    socket: library.func('int socket(int domain, int type, int protocol)') as Libc['socket'],
    setsockopt: library.func(
      'int setsockopt(int fd, int level, int name, const void *value, unsigned int size)',
    ) as Libc['setsockopt'],
    bind: library.func('int bind(int fd, const void *address, unsigned int size)') as Libc['bind'],
    close: library.func('int close(int fd)') as Libc['close'],
  };
};
/* eslint-enable typescript/no-unsafe-type-assertion */

export interface BindOptions {
  readonly device: string;
  /** IPv4. */
  readonly address: string;
  readonly port: number;
}

const addressBytes = ({ address, port }: BindOptions): Buffer => {
  const bytes = Buffer.alloc(16);
  // The family is in the machine's byte order, which is little-endian wherever the agent runs; the rest is in the network's.
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
};

/** @returns a file descriptor, bound and not listening yet, which is the caller's. @throws the system's error, with its `code`. */
export const openBoundSocket = (options: BindOptions): number => {
  const libc = loadLibc();
  const check = (result: number, what: string): number => {
    if (result >= 0) return result;
    const code = getSystemErrorName(-koffi.errno());
    throw Object.assign(new Error(`${what}: ${code}`), { code });
  };
  const fd = check(libc.socket(AF_INET, SOCK_STREAM_CLOEXEC_NONBLOCK, 0), 'socket');
  try {
    const yes = Buffer.alloc(4);
    yes.writeInt32LE(1);
    check(libc.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, yes, yes.length), 'setsockopt SO_REUSEADDR');
    const device = Buffer.from(`${options.device}\0`);
    check(libc.setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, device.length), 'setsockopt SO_BINDTODEVICE');
    const address = addressBytes(options);
    check(libc.bind(fd, address, address.length), 'bind');
    return fd;
  } catch (err) {
    libc.close(fd);
    throw err;
  }
};

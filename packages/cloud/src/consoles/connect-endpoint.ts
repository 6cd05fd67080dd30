import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { connectAgent, type AgentAccess } from '@etcd-compute/common/endpoint/connect-agent';
import { INPUT_PROTOCOL, TUNNEL_PROTOCOL } from '@etcd-compute/common/endpoint/protocol';
import { EcomputeError, ERROR_CODES } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { FoundEndpoint } from './find-endpoint.js';

const ANSWER_TIMEOUT_MS = 30_000;

/** The key of the agent's session opens all that it serves to people. */
export const keyOf = ({ session: identity, ...endpoint }: FoundEndpoint): AgentAccess => ({ ...endpoint, identity });

const toError = async (response: IncomingMessage, hostName: string): Promise<EcomputeError> =>
  parseTold(await readText(response), `the agent of host ${hostName} answered with status ${response.statusCode}`);

/** What an agent says of an error, in JSON. @param fallback the message where it is none. */
export const parseTold = (text: string, fallback: string): EcomputeError => {
  let told: unknown;
  try {
    told = JSON.parse(text);
  } catch {
    told = undefined;
  }
  const get = (name: string): string | undefined => {
    const value: unknown = typeof told === 'object' && told !== null ? Reflect.get(told, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const code = ERROR_CODES.find((known) => known === get('code')) ?? 'ECOMPUTE_ENDPOINT_REFUSED';
  const hint = get('hint');
  return new EcomputeError(code, get('message') ?? fallback, hint === undefined ? {} : { hint });
};

export interface Question {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

const ask = async (
  endpoint: FoundEndpoint,
  { path, headers = {}, signal }: Question,
): Promise<{ response: IncomingMessage; socket: Socket }> => {
  const socket = await connectAgent(keyOf(endpoint), signal);
  socket.setNoDelay(true).setKeepAlive(true, 30_000);
  const request = httpRequest({
    createConnection: () => socket,
    path,
    headers: { host: 'ecompute', ...headers },
    signal,
  });
  const timer = setTimeout(() => request.destroy(new Error('no answer')), ANSWER_TIMEOUT_MS);
  try {
    const { promise, resolve, reject } = withResolvers<IncomingMessage>();
    request.once('response', resolve).on('error', reject);
    request.once('upgrade', (response, _socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(response);
    });
    request.end();
    const response = await promise;
    const { statusCode } = response;
    if (statusCode !== 200 && statusCode !== 101) throw await toError(response, endpoint.hostName);
    return { response, socket };
  } catch (cause) {
    socket.destroy();
    if (signal.aborted || cause instanceof EcomputeError) throw cause;
    throw new EcomputeError('ECOMPUTE_ENDPOINT_UNREACHABLE', `the agent of host ${endpoint.hostName} did not answer`, {
      cause,
      retryable: true,
      hint: 'it may be stopping or starting: try again',
    });
  } finally {
    clearTimeout(timer);
  }
};

/** The answer to a GET, its body unread. @throws EcomputeError with what the agent says. */
export const getFromEndpoint = async (endpoint: FoundEndpoint, question: Question): Promise<IncomingMessage> =>
  (await ask(endpoint, question)).response;

/** A connection to a port of a guest. */
export const connectGuest = async (
  endpoint: FoundEndpoint,
  { instance, port, signal }: { instance: InstanceUuid; port: number; signal: AbortSignal },
): Promise<Socket> => {
  const { socket } = await ask(endpoint, {
    path: `/instances/${instance}/tunnel?port=${port}`,
    headers: { connection: 'upgrade', upgrade: TUNNEL_PROTOCOL },
    signal,
  });
  return socket;
};

/** A connection that types at a guest's console; the agent says on it why it ends. */
export const connectInput = async (
  endpoint: FoundEndpoint,
  { instance, by, isForced, signal }: { instance: InstanceUuid; by: string; isForced: boolean; signal: AbortSignal },
): Promise<Socket> => {
  const query = new URLSearchParams({ by, force: String(isForced) });
  const { socket } = await ask(endpoint, {
    path: `/instances/${instance}/input?${query.toString()}`,
    headers: { connection: 'upgrade', upgrade: INPUT_PROTOCOL },
    signal,
  });
  return socket;
};

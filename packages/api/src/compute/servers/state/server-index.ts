import type { Change, MirrorIndex } from '@etcd-compute/common/etcd/mirror';
import { parseJson } from '@etcd-compute/common/parse-json';
import { serverSchema, type Server } from './server-record.js';

/** All servers, also those that were deleted a while ago. */
export class ServerIndex implements MirrorIndex {
  readonly #servers = new Map<string, Server>();
  readonly #onChange: (id: string) => void;
  readonly #onUnreadable: (key: string) => void;

  constructor(onChange: (id: string) => void, onUnreadable: (key: string) => void) {
    this.#onChange = onChange;
    this.#onUnreadable = onUnreadable;
  }

  apply({ key, value }: Change): void {
    const [, id] = key.split('/');
    // `changes` is no server.
    if (id === undefined) return;
    const server = value === undefined ? undefined : parseJson(serverSchema, value);
    if (value !== undefined && !server) this.#onUnreadable(key);
    if (server) this.#servers.set(id, server);
    else this.#servers.delete(id);
    this.#onChange(id);
  }

  get(id: string): Server | undefined {
    return this.#servers.get(id);
  }

  all(): Iterable<Server> {
    return this.#servers.values();
  }
}

import type { TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { hostOf, NOTHING_TO_MEND, pathOf, type FaultContext, type Inject } from './inject.js';

/** Connections that are cut, stalled one way, refused, or half open. */
type Choose = (context: FaultContext) => readonly TcpProxy[];

export const TO_ETCD: Choose = (context) => pathOf(context).etcd;
export const TO_PLACEMENT: Choose = (context) => listOf(pathOf(context).placement?.wire);
export const TO_LIBVIRT: Choose = (context) => [hostOf(context).libvirtProxy.wire];

const listOf = (proxy: TcpProxy | undefined): readonly TcpProxy[] => (proxy ? [proxy] : []);

export const cut =
  (choose: Choose): Inject =>
  async (context) => {
    for (const proxy of choose(context)) proxy.cutAll();
    return NOTHING_TO_MEND;
  };

export const refuse =
  (choose: Choose): Inject =>
  async (context) => {
    const proxies = choose(context);
    for (const proxy of proxies) {
      await proxy.refuse(true);
      proxy.cutAll();
    }
    return async () => {
      for (const proxy of proxies) await proxy.refuse(false);
    };
  };

export const stall =
  (choose: Choose, direction: 'up' | 'down'): Inject =>
  async (context) => {
    const proxies = choose(context);
    for (const proxy of proxies) proxy.stall(direction);
    return async () => {
      for (const proxy of proxies) proxy.resume();
    };
  };

/** Nobody mends it: whoever holds such a connection has to find out. */
export const halfOpen =
  (choose: Choose): Inject =>
  async (context) => {
    for (const proxy of choose(context)) proxy.halfOpen();
    return NOTHING_TO_MEND;
  };

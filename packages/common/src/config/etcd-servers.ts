import type { EtcdSection } from './sections.js';

export interface ServerName {
  readonly host: string;
  readonly port: number;
}

/** The members of etcd that the config names. */
export const etcdServers = ({ host, port, hosts }: EtcdSection): ServerName[] =>
  hosts
    ? hosts.map((text) => {
        const url = new URL(text);
        return { host: url.hostname.replaceAll(/^\[|\]$/g, ''), port: Number(url.port || '2379') };
      })
    : [{ host, port }];

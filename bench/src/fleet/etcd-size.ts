import type { EtcdServer } from '@etcd-compute/testing/etcd-server';

interface RangeReply {
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[];
  readonly more?: boolean;
}

const PAGE = 1000;
const UUID = /[0-9a-f]{8}-[0-9a-f-]{27}/g;

const bytesOf = (base64: string | undefined): Buffer => Buffer.from(base64 ?? '', 'base64');

/**
 * Bytes of keys and values, by the pattern of the key, such as `/hosts/…/…`. Read from etcd's own JSON gateway, page by page.
 */
export const measureKeys = async (etcd: EtcdServer): Promise<Map<string, { keys: number; bytes: number }>> => {
  const sizes = new Map<string, { keys: number; bytes: number }>();
  let from = '\0';
  for (;;) {
    const reply = await range(etcd, from);
    for (const { key, value } of reply.kvs ?? []) {
      const name = bytesOf(key).toString();
      const pattern = name.replaceAll(UUID, '…').replace(/^(\/names\/).*/, '$1…');
      const known = sizes.get(pattern) ?? { keys: 0, bytes: 0 };
      known.keys += 1;
      known.bytes += bytesOf(key).length + bytesOf(value).length;
      sizes.set(pattern, known);
      from = `${name}\0`;
    }
    if (reply.more !== true) return sizes;
  }
};

const range = async (etcd: EtcdServer, from: string): Promise<RangeReply> => {
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const response = await fetch(`${etcd.endpoint}/v3/kv/range`, {
    method: 'POST',
    body: JSON.stringify({ key: encode(from), range_end: encode('\0'), limit: String(PAGE) }),
    signal: AbortSignal.timeout(60_000),
  });
  if (!response.ok) throw new Error(`could not read etcd's keys: ${await response.text()}`);
  const reply: RangeReply = JSON.parse(await response.text());
  return reply;
};

/**
 * Boots many guests, one after the other in each lane; each must get an address, and no two at a time the same one.
 *
 *   node bench/dist/many-boots.js [--count 800] [--lanes 1] [--cidr 10.45.0.0/24]
 *
 * A guest is destroyed when the next one of its lane is asked for. The network has fewer addresses than there are boots, so that they
 * are given again and again while dnsmasq still remembers their leases.
 */
import { parseArgs } from 'node:util';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { median, say, seconds } from './figures.js';
import { boot, destroy, hasAddress, isDeleted, waitForRecords } from './requests.js';
import { openStage } from './stage.js';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '800' },
    lanes: { type: 'string', default: '1' },
    cidr: { type: 'string', default: '10.45.0.0/24' },
  },
});
const [count, lanes] = [Number(values.count), Number(values.lanes)];

await using stage = await openStage({ parallel: 4, cidr: values.cidr });
const startedAt = performance.now();
const times: number[] = [];
const inUse = new Map<InstanceUuid, string>();
const givenOut = new Set<string>();

const bootNext = async (before: InstanceUuid | undefined): Promise<InstanceUuid> => {
  const askedAt = performance.now();
  const instance = await boot(stage);
  if (before) {
    inUse.delete(before);
    await destroy(stage, before);
  }
  const [record] = await waitForRecords(stage, [instance], { what: 'addressed', isDone: hasAddress });
  const address = record?.addresses[0]?.address ?? '';
  if ([...inUse.values()].includes(address)) throw new Error(`${address} was given to two guests at a time`);
  inUse.set(instance, address);
  givenOut.add(address);
  times.push((performance.now() - askedAt) / 1000);
  if (times.length % 50 === 0) say(`${times.length} booted, median ${seconds(median(times))} from request to address`);
  return instance;
};

const runLane = async (boots: number): Promise<void> => {
  let last: InstanceUuid | undefined;
  for (let index = 0; index < boots; index += 1) last = await bootNext(last);
  if (!last) return;
  await destroy(stage, last);
  await waitForRecords(stage, [last], { what: 'deleted', isDone: isDeleted });
};

const laneLength = Math.ceil(count / lanes);
await Promise.all(Array.from({ length: lanes }, async () => runLane(laneLength)));
const total = (performance.now() - startedAt) / 1000;
say(
  `${times.length} of ${laneLength * lanes} boots got an address, in ${lanes} lanes, on ${givenOut.size} addresses, in ${seconds(total)}`,
);
say(`request to address: median ${seconds(median(times))}, worst ${seconds(Math.max(...times))}`);

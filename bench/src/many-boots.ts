/**
 * Boots one guest after the other; each must get an address.
 *
 *   node bench/dist/many-boots.js [--count 800]
 *
 * A guest is destroyed when the next one is asked for, so at most two are there at a time.
 */
import { parseArgs } from 'node:util';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { median, say, seconds } from './figures.js';
import { boot, destroy, hasAddress, isDeleted, waitForRecord } from './requests.js';
import { openStage } from './stage.js';

const { values } = parseArgs({ options: { count: { type: 'string', default: '800' } } });
const count = Number(values.count);

await using stage = await openStage({ parallel: 4 });
const times: number[] = [];
const addresses = new Set<string>();
let before: InstanceUuid | undefined;
for (let index = 1; index <= count; index += 1) {
  const startedAt = performance.now();
  const instance = await boot(stage);
  if (before) await destroy(stage, before);
  const record = await waitForRecord(stage, instance, { what: 'addressed', isDone: hasAddress });
  times.push((performance.now() - startedAt) / 1000);
  for (const { address } of record.addresses) addresses.add(address);
  before = instance;
  if (index % 20 === 0) say(`${index} booted, median ${seconds(median(times))} from request to address`);
}
if (before) {
  await destroy(stage, before);
  await waitForRecord(stage, before, { what: 'deleted', isDone: isDeleted });
}
say(`${times.length} of ${count} booted one after the other, all with an address (${addresses.size} different ones)`);
say(`request to address: median ${seconds(median(times))}, worst ${seconds(Math.max(...times))}`);

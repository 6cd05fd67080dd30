import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Story } from '../ledger.js';
import type { World } from '../world.js';
import type { Rule, Violation } from './rule.js';

const findRecordOfStory = (world: World, { name, instance }: Story): InstanceRecord | undefined =>
  world.records.find((record) => record.instance === instance || (instance === undefined && record.name === name));

/** What people were told is what there is. */
export const toldIsTrue: Rule = ({ world, ledger }) =>
  [...ledger.values()].flatMap((story): Violation[] => {
    const record = findRecordOfStory(world, story);
    const { name, boot, destroy } = story;
    const instance = record?.instance ?? story.instance;
    const violation = (rule: string, what: string): Violation => ({
      rule,
      what: `${name}: ${what}`,
      ...(instance !== undefined && { instance }),
    });
    if (boot === 'accepted' && !record)
      return [violation('request lost', 'its boot was accepted, and it has no record')];
    if (boot === 'refused' && record)
      return [violation('refused and booted', `eschedule said that it did not boot, and it is ${record.state}`)];
    if (!record) return [];
    if (record.state === 'deleted' && destroy === 'not-asked')
      return [violation('request lost', 'nobody asked for its end, and it is deleted')];
    if (record.state !== 'deleted' && destroy === 'accepted')
      return [violation('destroy lost', `its end was accepted, and it is ${record.state}`)];
    return [];
  });

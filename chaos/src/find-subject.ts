import { operationOf } from './operation-kinds.js';
import type { Operation } from './schedule.js';
import type { Stage } from './stage.js';
import { readEtcd } from './world/read-etcd.js';

/** Of all instances that a run boots. */
const runOf = (name: string): string => `${name.split('-')[0]}-`;

/**
 * Whom a command is about: the instance that was drawn, or when it cannot be asked so now, one that can. Otherwise commands that need a
 * state that few instances have, such as the return of one that is shelved, would nearly always be refused.
 */
export const findSubject = async (stage: Stage, { kind, name }: Pick<Operation, 'kind' | 'name'>): Promise<string> => {
  const { fits } = operationOf(kind);
  if (!fits) return name;
  const world = await readEtcd(stage).catch(() => undefined);
  const fitting = (world?.records ?? [])
    .filter(fits)
    .flatMap((record) => record.name ?? [])
    .filter((one) => one.startsWith(runOf(name)))
    .toSorted();
  if (fitting.includes(name)) return name;
  // The same of the same, whatever the machine does.
  const number = Number(name.split('-')[1]);
  return fitting[number % fitting.length] ?? name;
};

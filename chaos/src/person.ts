import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from '@etcd-compute/testing/run-command';
import type { Host } from './host.js';
import type { Violation } from './invariants/rule.js';
import { PROGRAM } from './program.js';
import type { Stage } from './stage.js';

/** What docs/operations.md tells a person to do after a restore. */

const ECOMPUTE = fileURLToPath(new URL('../../packages/agent/bin/ecompute.js', import.meta.url));

export const acceptEtcd = async ({ agent }: Host): Promise<void> => {
  await runCommand([ECOMPUTE, '--config', agent.configPath, '--accept-change', 'etcd']);
};

const AUDIT = ['audit', '--fix', '--remove-guests', '--wait', '--timeout', '60', '--grace', '15', '-o', 'json'];
const PATIENCE_MS = 120_000;
const AUDIT_EVERY_MS = 1000;

/** Audits until nothing is found any more: the agents look once a period, and an allocation has its time of grace. */
export const removeForgottenGuests = async ({ scheduleConfig }: Stage): Promise<Violation[]> => {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      // Every other exit code is an error.
      await runCommand([process.execPath, PROGRAM, ...AUDIT, '--config', scheduleConfig]);
      return [];
    } catch (err) {
      if (Date.now() > until) return [{ rule: 'audit finds no end', what: String(err) }];
    }
    await delay(AUDIT_EVERY_MS);
  }
};

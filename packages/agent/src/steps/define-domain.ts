import { EcomputeError } from '@etcd-compute/common/errors';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { consoleLog, removeConsoleLogs } from '../consoles/console-logs.js';
import { hostArchitecture } from '../libvirt/virt-type.js';
import { observeDomain, undefineDomain, isThere } from '../domains/domain.js';
import { domainSpecOf } from './domain-spec.js';
import { hintOfMissingFirmware } from '../domains/missing-firmware.js';
import type { Step } from './step.js';

export const defineDomain: Step = {
  name: 'define-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async ({ lend, config, mark, virtType, consolesDir }, { spec, made, signal }) => {
    const domainSpec = domainSpecOf({
      spec,
      made,
      config,
      mark,
      virtType,
      consoleLog: consoleLog(consolesDir, spec.instance),
      arch: hostArchitecture(),
    });
    try {
      const define = async (connection: Connection): Promise<void> => {
        await using _domain = await connection.domainDefineXML(renderDomain(domainSpec), 0, { signal });
      };
      await lend('work', define, signal);
    } catch (cause) {
      signal.throwIfAborted();
      const hint = hintOfMissingFirmware(cause);
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not define domain ${spec.instance}`, {
        cause,
        retryable: true,
        ...(hint !== undefined && { hint }),
      });
    }
  },
  undo: async ({ lend, filter, consolesDir }, instance, signal) => {
    await lend('work', async (connection) => undefineDomain(connection, instance, { signal }), signal);
    await filter.dismiss(instance);
    await removeConsoleLogs(consolesDir, instance);
  },
  isThere: async ({ getConnection }, instance) => {
    const { state } = await observeDomain(getConnection(), instance);
    return isThere(state);
  },
};

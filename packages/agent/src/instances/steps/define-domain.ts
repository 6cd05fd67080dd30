import { EcomputeError } from '@etcd-compute/common/errors';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { consoleLog, removeConsoleLogs } from '../../consoles/console-logs.js';
import { hostArchitecture } from '../../virt-type.js';
import { undefineDomain } from '../domain.js';
import { domainSpecOf } from '../domain-spec.js';
import { hintOfMissingFirmware } from '../missing-firmware.js';
import type { Step } from './step.js';

export const defineDomain: Step = {
  name: 'define-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ getConnection, network, config, mark, virtType, consolesDir }, { spec, made }) => {
    const domainSpec = domainSpecOf({
      spec,
      made,
      config,
      mark,
      virtType,
      networkName: network.name,
      consoleLog: consoleLog(consolesDir, spec.instance),
      arch: hostArchitecture(),
    });
    try {
      await using _domain = await getConnection().domainDefineXML(renderDomain(domainSpec));
    } catch (cause) {
      const hint = hintOfMissingFirmware(cause);
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not define domain ${spec.instance}`, {
        cause,
        retryable: true,
        ...(hint !== undefined && { hint }),
      });
    }
  },
  undo: async ({ getConnection, filter, consolesDir }, instance) => {
    await undefineDomain(getConnection(), instance);
    await filter.dismiss(instance);
    await removeConsoleLogs(consolesDir, instance);
  },
};

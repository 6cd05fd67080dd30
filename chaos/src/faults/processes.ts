import type { Service } from '@etcd-compute/testing/service';
import { hostOf, NOTHING_TO_MEND, type FaultContext, type Inject, type Mend } from './inject.js';

/** Processes that are killed, or frozen for a while. */

export const killService = async ({ keeper }: FaultContext, services: readonly Service[]): Promise<Mend> => {
  await Promise.all(services.map(async (service) => service.kill('SIGKILL')));
  return async () => {
    await Promise.all(services.map(async (service) => keeper.ensureUp(service)));
  };
};

export const pauseService = async (service: Service): Promise<Mend> => {
  await service.kill('SIGSTOP');
  return async () => service.kill('SIGCONT');
};

export const killAgent: Inject = async (context) => {
  hostOf(context).agent.kill('SIGKILL');
  return NOTHING_TO_MEND;
};

export const pauseAgent: Inject = async (context) => {
  const { agent } = hostOf(context);
  agent.kill('SIGSTOP');
  return async () => agent.kill('SIGCONT');
};

export const restartAgent: Inject = async (context) => {
  hostOf(context).agent.kill('SIGTERM');
  return NOTHING_TO_MEND;
};

export const replaceAgent: Inject = async (context) => hostOf(context).agent.replace();

export const killOperation: Inject = async ({ signalOperation }) =>
  signalOperation('SIGKILL') ? NOTHING_TO_MEND : undefined;

export const pauseOperation: Inject = async ({ signalOperation }) =>
  signalOperation('SIGSTOP') ? async () => void signalOperation('SIGCONT') : undefined;

export const killPlacement: Inject = async (context) => {
  const { placementServer } = context.stage;
  return placementServer && killService(context, [placementServer]);
};
export const pausePlacement: Inject = async ({ stage: { placementServer } }) =>
  placementServer && pauseService(placementServer);

export const killLibvirtd: Inject = async (context) => killService(context, [hostOf(context).libvirtd]);
export const pauseLibvirtd: Inject = async (context) => pauseService(hostOf(context).libvirtd);

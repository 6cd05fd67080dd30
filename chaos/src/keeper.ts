import type { Service } from '@etcd-compute/testing/service';

/** Starts what was killed; two faults may have killed the same service, and it is started once. */
export interface Keeper {
  readonly ensureUp: (service: Service) => Promise<void>;
}

export const createKeeper = (): Keeper => {
  const last = new Map<Service, Promise<void>>();
  const startUnlessUp = async (service: Service): Promise<void> => {
    if (!(await service.isRunning())) await service.restart();
  };
  return {
    ensureUp: async (service) => {
      const before = last.get(service) ?? Promise.resolve();
      const next = before.catch(() => undefined).then(async () => startUnlessUp(service));
      last.set(service, next);
      return next;
    },
  };
};

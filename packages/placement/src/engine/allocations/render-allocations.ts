import type { View } from '../../index/view.js';
import type { Consumer, Provider } from '../../model/entities.js';

/** What a consumer holds, as the API shows it. Nothing is known of one that holds nothing. */
export const renderConsumer = (view: View, consumer: Consumer | undefined, version: number): object => ({
  allocations: Object.fromEntries(
    Object.entries(consumer?.allocations ?? {}).map(([provider, resources]) => [
      provider,
      { resources, generation: view.usage(provider).generation },
    ]),
  ),
  ...(consumer && version >= 12 && { project_id: consumer.project, user_id: consumer.user }),
  ...(consumer && version >= 28 && { consumer_generation: consumer.generation }),
  ...(consumer && version >= 38 && { consumer_type: consumer.type ?? 'unknown' }),
});

/** Who holds what of a provider, as the API shows it. */
export const renderAllocationsFrom = (view: View, { uuid }: Provider, version: number): object => ({
  allocations: Object.fromEntries(
    consumersOn(view, uuid).map((consumer) => [
      consumer.uuid,
      {
        resources: consumer.allocations[uuid] ?? {},
        ...(version >= 28 && { consumer_generation: consumer.generation }),
      },
    ]),
  ),
  resource_provider_generation: view.usage(uuid).generation,
});

/** When something was allocated from a provider last; undefined when nothing is. */
export const lastAllocatedFrom = (view: View, { uuid }: Provider): number | undefined => {
  const times = consumersOn(view, uuid).map(({ updatedAt }) => updatedAt);
  return times.length > 0 ? times.reduce((latest, time) => Math.max(latest, time)) : undefined;
};

const consumersOn = (view: View, provider: string): Consumer[] =>
  [...view.consumersOn(provider)].flatMap((uuid) => view.consumer(uuid) ?? []);

import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { renderInventories } from '@etcd-compute/agent/inventory/report';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const config = agentConfigSchema.parse({});

describe('renderInventories', () => {
  test('total, reserved, ratio and the largest single unit, per class', () => {
    expect(
      renderInventories({
        config,
        resources: { VCPU: 8, MEMORY_MB: 16_000, DISK_GB: 100 },
        imagesGiB: 0,
        forgotten: {},
        isLocked: false,
      }),
    ).toEqual({
      VCPU: { total: 8, reserved: 0, allocation_ratio: 4, max_unit: 8 },
      MEMORY_MB: { total: 16_000, reserved: 512, allocation_ratio: 1, max_unit: 16_000 },
      DISK_GB: { total: 100, reserved: 10, allocation_ratio: 1, max_unit: 100 },
    });
  });

  test.each([
    [0, undefined, undefined],
    [9, undefined, 0],
    [55, undefined, 5],
    [100, undefined, 10],
    [4000, undefined, 10],
    [4000, 0, 0],
    [4000, 50, 50],
  ])('of a disk of %i GiB, with reserved %s in the config, the host keeps %s', (total, reserved, kept) => {
    const custom = agentConfigSchema.parse({ inventory: { DISK_GB: { reserved } } });
    const resources = { VCPU: 8, MEMORY_MB: 16_000, DISK_GB: total };
    const inventories = renderInventories({ config: custom, resources, imagesGiB: 0, forgotten: {}, isLocked: false });
    expect(inventories['DISK_GB']?.reserved).toBe(kept);
  });

  test('what cached images take of the disk is reserved beside what the config reserves', () => {
    const custom = agentConfigSchema.parse({ inventory: { DISK_GB: { reserved: 10 } } });
    const resources = { VCPU: 8, MEMORY_MB: 16_000, DISK_GB: 100 };
    expect(
      renderInventories({ config: custom, resources, imagesGiB: 7, forgotten: {}, isLocked: false }),
    ).toMatchObject({
      MEMORY_MB: { reserved: 512 },
      DISK_GB: { total: 100, reserved: 17 },
    });
  });

  test('what guests use that nobody counts is reserved too', () => {
    const resources = { VCPU: 8, MEMORY_MB: 16_000, DISK_GB: 100 };
    const forgotten = { VCPU: 2, MEMORY_MB: 1024, DISK_GB: 3 };
    expect(renderInventories({ config, resources, imagesGiB: 1, forgotten, isLocked: false })).toMatchObject({
      VCPU: { reserved: 2 },
      MEMORY_MB: { reserved: 512 + 1024 },
      DISK_GB: { reserved: 10 + 1 + 3 },
    });
  });

  test('locked: all VCPU are reserved, and nothing else changes', () => {
    const resources = { VCPU: 8, MEMORY_MB: 16_000, DISK_GB: 100 };
    const free = renderInventories({ config, resources, imagesGiB: 0, forgotten: {}, isLocked: false });
    expect(renderInventories({ config, resources, imagesGiB: 0, forgotten: {}, isLocked: true })).toEqual({
      ...free,
      VCPU: { ...free['VCPU'], reserved: 8 },
    });
  });

  test('Placement takes it whatever the host has: nothing of zero, never more reserved than there is', () => {
    const amount = fc.nat(200_000);
    fc.assert(
      fc.property(fc.record({ VCPU: amount, MEMORY_MB: amount, DISK_GB: amount }), amount, fc.boolean(), (...all) => {
        const [resources, reserved, isLocked] = all;
        const imagesGiB = reserved;
        const forgotten = { VCPU: reserved, MEMORY_MB: reserved };
        const custom = agentConfigSchema.parse({ inventory: { MEMORY_MB: { reserved }, DISK_GB: { reserved } } });
        const inventories = Object.values(
          renderInventories({ config: custom, resources, imagesGiB, forgotten, isLocked }),
        );
        expect(inventories).toHaveLength(Object.values(resources).filter((total) => total > 0).length);
        for (const inventory of inventories) {
          expect(inventory.reserved).toBeLessThanOrEqual(inventory.total);
          expect(inventory.max_unit).toBe(inventory.total);
        }
      }),
    );
  });
});

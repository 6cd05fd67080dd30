import { z } from 'zod';
import { instanceUuidSchema } from '../../ids.js';

/**
 * The value at `/names/<project>/<name>`: the instance that has the name. Only schedulers write it: in the txn of the boot request, and
 * again when the instance is gone.
 */
export const nameHolderSchema = z.looseObject({ version: z.literal(1), instance: instanceUuidSchema });
export type NameHolder = z.output<typeof nameHolderSchema>;

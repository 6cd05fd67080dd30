import { randomBytes } from 'node:crypto';

/** For whom a client gives none: letters and digits. */
export const newPassword = (): string => randomBytes(9).toString('base64url').replace(/[-_]/g, 'x');

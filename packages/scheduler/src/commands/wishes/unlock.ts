import { wishCommand } from './wish-command.js';

export const unlock = wishCommand('unlock', {
  summary: 'allow changes of locked instances again',
  about: 'One that is not locked is left alone.',
});

import { wishCommand } from './wish-command.js';

export const reset = wishCommand('reset', {
  summary: 'reset instances at once, as by their reset button',
  about:
    'The guest is not asked, and what it has not written to its disk is lost. For one that still answers, take reboot.',
});

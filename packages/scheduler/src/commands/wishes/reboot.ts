import { HARD, parseHard } from './hard-option.js';
import { wishCommand } from './wish-command.js';

export const reboot = wishCommand('reboot', {
  summary: 'shut instances down and start them again',
  about: 'As stop and start; one that is stopped is only started.',
  options: HARD,
  parse: (args, uuidsOrNames) => ({ uuidsOrNames, args: parseHard(args) }),
});

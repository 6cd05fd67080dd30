/** Options of `eplacement import` and `eplacement export`, as yargs wants them. */

export const URL_OPTION = {
  type: 'string',
  demandOption: true,
  requiresArg: true,
  describe: 'the URL of the other Placement, with its path if it has one',
} as const;

/** What must be known of the other Placement beside its URL. */
export const OTHER_PLACEMENT = {
  token: { type: 'string', requiresArg: true, describe: 'a token of an administrator there' },
  'token-file': { type: 'string', requiresArg: true, describe: 'file: the token; better than --token' },
  'ca-cert': {
    type: 'string',
    requiresArg: true,
    describe: 'file: the certificate of the authority that signed its own',
  },
  parallel: {
    type: 'number',
    default: 4,
    requiresArg: true,
    describe: 'how many requests are sent to it at a time',
  },
} as const;

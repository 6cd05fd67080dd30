import type { AppConfig } from '../http/app.js';
import { corsOf } from '@etcd-compute/common/serving/sections';
import type { CandidatesSettings } from '../http/routes/allocation-candidates.js';
import type { ServerConfig } from './config.js';
import type { Files } from './files.js';

/** @param files as they are now: they may change while the app runs. */
export const appConfigOf = ({ listen, limits, cors }: ServerConfig, files: () => Files): AppConfig => {
  const { tls } = files();
  return {
    authenticate: (headers) => files().authenticate(headers),
    policy: { allows: (rule, caller, target) => files().policy.allows(rule, caller, target) },
    prefix: listen.path,
    maxBodyBytes: limits.body,
    timeoutMs: limits.request * 1000,
    ...(tls && { tls }),
    ...corsOf(cors),
  };
};

export const candidatesOf = ({ candidates }: ServerConfig): CandidatesSettings => ({
  random: candidates.randomize ? Math.random : undefined,
  strategy: candidates.strategy,
  maxCandidates: candidates.max,
  maxChoices: candidates.max_choices,
  mayLag: !candidates.linearizable,
});

import type { FollowPrefixOptions } from '@etcd-compute/common/etcd/follow';
import type { Logger } from '@etcd-compute/common/log';

/** What the log says of a watch: each reason once, and when it is over. @param what in the plural: `boot requests` */
export const logFollowing = (log: Logger, what: string): Pick<FollowPrefixOptions, 'onTrouble' | 'onRecovered'> => ({
  onTrouble: (err, { nextInMs, isRepeat }) =>
    log[isRepeat ? 'debug' : 'warn']({ err, nextInMs }, `${what} not followed, trying again`),
  onRecovered: () => log.info(`${what} are followed again`),
});

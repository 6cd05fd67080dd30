/** Who asks, as the token tells it that came with the request. */
export interface Caller {
  readonly userId: string;
  readonly userName: string;
  readonly userDomainId: string;
  /** What the token is for; none of them for an unscoped token. */
  readonly projectId: string | undefined;
  readonly projectDomainId: string | undefined;
  readonly domainId: string | undefined;
  readonly isSystem: boolean;
  /** Names. */
  readonly roles: readonly string[];
  /** The token was made from an application credential that may not make others. */
  readonly isRestricted: boolean;
}

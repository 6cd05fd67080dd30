/** Which etcd has answered, and at which revision. Both are decimal strings: they are 64 bit. */
export interface ClusterSeen {
  readonly clusterId: string;
  /** Of the whole store; it never falls. */
  readonly revision: string;
}

/** Judges whether the etcd that answers is the one that is meant. */
export interface ClusterJudge {
  /** Called before a call is sent. @returns what is to judge its reply: it throws when the reply is not to be believed. */
  readonly begin: () => (seen: ClusterSeen) => void;
}

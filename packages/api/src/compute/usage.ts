/** What servers use of a project's limits. */
export interface Usage {
  readonly instances: number;
  readonly cores: number;
  /** In MiB. */
  readonly ram: number;
}

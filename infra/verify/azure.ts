/** What is known of the deployment in Azure, and whether it can be looked at. */
export interface Azure {
  /** Values of azd's environment, where it is the environment of this endpoint. */
  readonly environment?: Readonly<Record<string, string>>;
}

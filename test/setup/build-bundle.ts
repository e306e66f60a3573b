import { buildBundles } from '../../infra/build/build.ts';

/** Runs once before all suites: the end-to-end ones run the bundle that is deployed. */
export default async function setup(): Promise<void> {
  await buildBundles();
}

import { describe, expect, it } from 'vitest';

import { runScript } from './run-script.ts';
import type { StubRule } from './stub-command.ts';

const state = (stdout: string): StubRule => ({ command: 'az provider show', replies: [{ stdout }] });
const run = (rules: readonly StubRule[], env: Readonly<Record<string, string>> = { VNET_ENABLED: 'true' }) =>
  runScript('register-providers.sh', { env, rules });
const registered = 'az provider register --namespace Microsoft.App --wait --only-show-errors';

describe('register-providers.sh', () => {
  it.each(['NotRegistered\n', 'Unregistered\r\n', 'Registering\n'])('registers what is %j', async (stdout) => {
    const { status, calls } = await run([state(stdout)]);
    expect(status).toBe(0);
    expect(calls.map(({ line }) => line)).toContain(registered);
  });

  it.each(['Registered\n', 'Registered\r\n'])('does nothing when it is %j', async (stdout) => {
    const { status, calls } = await run([state(stdout)]);
    expect(status).toBe(0);
    expect(calls).toHaveLength(1);
  });

  it('asks nobody without a virtual network', async () => {
    for (const env of [{}, { VNET_ENABLED: 'false' }, { VNET_ENABLED: '' }]) {
      const { status, calls } = await run([state('NotRegistered\n')], env);
      expect({ status, calls }).toStrictEqual({ status: 0, calls: [] });
    }
  });

  it('stops the deployment where nobody may register, and says what to ask for', async () => {
    const refused: StubRule = { command: 'az provider register', replies: [{ status: 1, stderr: 'Forbidden\n' }] };
    const { status, stderr } = await run([state('NotRegistered\n'), refused]);
    expect(status).toBe(1);
    expect(stderr).toContain('az provider register --namespace Microsoft.App --wait');
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { registerProvider } from '../../../infra/scripts/register-providers.ts';
import { type Answer, type JsonServer, startJsonServer } from '../../emulators/azure/json-server.ts';
import { azureCli, runScript } from './run-script.ts';
import { credentialOf } from './vault-of-test.ts';

const TOKEN = 'management-token';
const PATH = '/subscriptions/sub-1/providers/Microsoft.App';

let states: string[];
let registering: Answer;
let manager: JsonServer;
let pauses: number;

beforeEach(async () => {
  pauses = 0;
  registering = { status: 200, body: { registrationState: 'Registering' } };
  manager = await startJsonServer(({ method, url, headers }) => {
    if (headers.authorization !== `Bearer ${TOKEN}` || url.searchParams.get('api-version') !== '2021-04-01') {
      return { status: 401, body: { error: { message: 'No token, or no version.' } } };
    }
    if (method === 'POST' && url.pathname === `${PATH}/register`) return registering;
    if (method !== 'GET' || url.pathname !== PATH) return { status: 404, body: { error: { message: 'Not found.' } } };
    return { status: 200, body: { registrationState: states.length > 1 ? states.shift() : states[0] } };
  });
});
afterEach(() => manager.close());

const register = () =>
  registerProvider(
    { url: manager.url, subscriptionId: 'sub-1', credential: credentialOf(TOKEN) },
    async () => void (pauses += 1),
    () => {},
  );
const changes = () => manager.requests.filter(({ method }) => method === 'POST').length;

describe('register-providers', () => {
  it.each(['NotRegistered', 'Unregistered', 'Registering'])(
    'registers what is %s, and waits until it is',
    async (state) => {
      states = [state, 'Registering', 'Registered'];
      await register();
      expect([changes(), pauses]).toStrictEqual([1, 2]);
    },
  );

  it('changes nothing when it is registered', async () => {
    states = ['Registered'];
    await register();
    expect([changes(), pauses]).toStrictEqual([0, 0]);
  });

  it('gives up after five minutes', async () => {
    states = ['Registering'];
    await expect(register()).rejects.toThrow('still Registering');
    expect(pauses).toBe(60);
  });

  it('stops where nobody may register, and says what to ask for', async () => {
    states = ['NotRegistered'];
    registering = { status: 403, body: { error: { message: 'The client has no authorization.' } } };
    await expect(register()).rejects.toThrow('az provider register --namespace Microsoft.App --wait');
  });
});

describe('the script', () => {
  const environment = (vnet: string) => ({
    VNET_ENABLED: vnet,
    AZURE_SUBSCRIPTION_ID: 'sub-1',
    AZURE_MANAGEMENT_URL: manager.url,
  });

  it.each(['', 'false'])('asks nobody without a virtual network: %j', async (vnet) => {
    const run = await runScript('register-providers.ts', { env: environment(vnet) });
    expect(run).toStrictEqual({ status: 0, stdout: '', stderr: '' });
    expect(manager.requests).toStrictEqual([]);
  });

  it('registers for a virtual network', async () => {
    states = ['NotRegistered', 'Registered'];
    const { status } = await runScript('register-providers.ts', {
      env: environment('true'),
      commands: { az: azureCli(TOKEN) },
    });
    expect([status, changes()]).toStrictEqual([0, 1]);
  });
});

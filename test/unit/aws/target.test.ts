import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createTargets, type Targets } from '../../../src/aws/target.ts';
import { type BedrockEmulator, EXAMPLE_KEY, startBedrock } from '../../emulators/bedrock/bedrock.ts';

const LIMITS = { connectMs: 60_000, headersMs: 60_000, idleMs: 60_000 };
const RUNTIME = { hostPrefix: 'bedrock-runtime', signingName: 'bedrock' };
const CONTROL = { hostPrefix: 'bedrock', signingName: 'bedrock' };
const REGIONS = ['eu-central-1', 'us-gov-west-1'];
const AWS = { useFips: false, overrides: {} };

let targets: Targets | undefined;

function targetsOf(endpoints: { useFips: boolean; overrides: Record<string, string> }): Targets {
  targets = createTargets({ regions: REGIONS, endpoints, limits: LIMITS });
  return targets;
}

describe('the origin of a service in a region', () => {
  const origins = (endpoints: { useFips: boolean; overrides: Record<string, string> }) => {
    const { of } = targetsOf(endpoints);
    return [RUNTIME, CONTROL].flatMap((service) => REGIONS.map((region) => of(service, region).origin));
  };

  it("is AWS's", () => {
    expect(origins(AWS)).toStrictEqual([
      'https://bedrock-runtime.eu-central-1.amazonaws.com',
      'https://bedrock-runtime.us-gov-west-1.amazonaws.com',
      'https://bedrock.eu-central-1.amazonaws.com',
      'https://bedrock.us-gov-west-1.amazonaws.com',
    ]);
  });

  it('is that of FIPS on request', () => {
    expect(origins({ ...AWS, useFips: true })).toContain('https://bedrock-fips.us-gov-west-1.amazonaws.com');
  });

  it('is another, for the service that has one, in each region or for all of them', () => {
    expect(origins({ ...AWS, overrides: { 'bedrock-runtime': 'https://vpce.{region}.example' } })).toStrictEqual([
      'https://vpce.eu-central-1.example',
      'https://vpce.us-gov-west-1.example',
      'https://bedrock.eu-central-1.amazonaws.com',
      'https://bedrock.us-gov-west-1.amazonaws.com',
    ]);
    const overrides = { bedrock: 'https://vpce.example', 'bedrock-runtime': 'https://vpce.example' };
    expect(new Set(origins({ ...AWS, overrides }))).toStrictEqual(new Set(['https://vpce.example']));
  });

  it('is in one of the regions, or there is no target', () => {
    const { of } = targetsOf(AWS);
    expect(() => of(RUNTIME, 'eu-west-1')).toThrow('There is no bedrock-runtime in this region.');
    const unknown = createTargets({ regions: ['xx-new-9'], endpoints: AWS, limits: LIMITS });
    expect(() => unknown.of(RUNTIME, 'xx-new-9')).toThrow('There is no bedrock-runtime in this region.');
  });

  it('is kept: a target is made once', () => {
    const { of } = targetsOf(AWS);
    const first = of(RUNTIME, 'eu-central-1');
    expect(of(RUNTIME, 'us-gov-west-1')).not.toBe(first);
    expect(of(CONTROL, 'eu-central-1')).not.toBe(first);
    expect(of(RUNTIME, 'eu-central-1')).toBe(first);
  });
});

describe('at one address for all regions', () => {
  let bedrocks: BedrockEmulator;
  beforeAll(async () => {
    bedrocks = await startBedrock();
  });
  afterAll(async () => {
    await targets?.close();
    await bedrocks.close();
  });

  it('a request is signed for the region, and its connections are its own', async () => {
    const { of } = targetsOf({ ...AWS, overrides: { 'bedrock-runtime': bedrocks.url } });
    const scopes: (string | undefined)[] = [];
    bedrocks.onRequest(({ headers }) =>
      scopes.push(/\/([^/]+\/[^/]+)\/aws4_request/.exec(headers['authorization'] ?? '')?.[1]),
    );
    for (const region of REGIONS) {
      const { sign, upstream } = of(RUNTIME, region);
      const request = { method: 'GET', path: '/async-invoke', query: '', headers: {} } as const;
      const headers = await sign(
        { ...request, bodySha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' },
        EXAMPLE_KEY,
      );
      const signal = new AbortController().signal;
      const answer = await upstream.send({
        ...request,
        target: request.path,
        headers,
        body: [],
        bodyLength: 0,
        signal,
      });
      while ((await answer.read()) !== undefined);
    }
    expect(scopes).toStrictEqual(REGIONS.map((region) => `${region}/bedrock`));
    expect(bedrocks.openConnections).toBe(2);
  });
});

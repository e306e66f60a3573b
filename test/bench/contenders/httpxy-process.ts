import { Agent, createServer } from 'node:http';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';

import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@aws-sdk/signature-v4';
import { createProxyServer } from 'httpxy';

import { listen } from '../../support/listen.ts';
import { serve } from '../child.ts';
import { ownUsage } from './own-usage.ts';
import { EXAMPLE_KEY, REGION } from './credentials.ts';

/** A signing proxy of thirty lines, as one writes it by a proxy library and the signer of AWS. Argument: the upstream. */

const target = process.argv[2] ?? '';
const { host, hostname, protocol } = new URL(target);
const signer = new SignatureV4({ service: 'bedrock', region: REGION, credentials: EXAMPLE_KEY, sha256: Sha256 });
const proxy = createProxyServer({ target, changeOrigin: true, agent: new Agent({ keepAlive: true }) });

const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const forward = async () => {
    const body = await buffer(request);
    const { url: path = '/', method = 'GET' } = request;
    const headers = { host, 'content-type': String(request.headers['content-type']) };
    const signed = await signer.sign({ method, protocol, hostname, path, headers, body });
    await proxy.web(request, response, { headers: signed.headers, buffer: Readable.from([body]) });
  };
  forward().catch(() => response.destroy());
});
const { url } = await listen(server);

const service = { url: () => url, ...ownUsage };
export type HttpxyService = typeof service;
serve(service);

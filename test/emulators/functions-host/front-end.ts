import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { decodePercentRuns } from './request-path.ts';

/**
 * The App Service front end, which every call passes in Azure before it reaches the host. It decodes the path once,
 * `%2F` included, and turns backslashes into slashes; what the client sent is kept in `X-Waws-Unencoded-Url`
 * (dotnet/aspnetcore#40532, azure-functions-host#9290).
 */

/** Characters that it escapes again, because they would end the path or are none of a URL. `%` is not among them. */
const UNSAFE = /[^\x21-\x7e]+|[?#"<>^`{|}]+/g;

/** Path and query as the host gets them, for those that the client sent. */
export function rewriteTarget(rawPath: string, rawQuery: string): string {
  const path = decodePercentRuns(rawPath, () => true).replaceAll('\\', '/');
  return path.replaceAll(UNSAFE, encodeURIComponent) + rawQuery;
}

/** The request's raw headers with those of the front end, which replace what the client sent under their names. */
export function addFrontEndHeaders(request: IncomingMessage, rawTarget: string): string[] {
  const { remoteAddress = '', remotePort = 0 } = request.socket;
  const added: Record<string, string> = {
    'Max-Forwards': '10',
    'CLIENT-IP': `${remoteAddress}:${remotePort}`,
    'X-Client-IP': remoteAddress,
    'X-Client-Port': String(remotePort),
    'X-Forwarded-For': [request.headers['x-forwarded-for'] ?? [], `${remoteAddress}:${remotePort}`].flat().join(', '),
    'X-Forwarded-Proto': 'https',
    'X-AppService-Proto': 'https',
    'X-Forwarded-TlsVersion': '1.3',
    'X-ARR-SSL': '2048|256|CN=Microsoft Azure RSA TLS Issuing CA|CN=*.azurewebsites.net',
    'X-ARR-LOG-ID': randomUUID(),
    'X-SITE-DEPLOYMENT-ID': 'functions-host-emulator',
    'DISGUISED-HOST': request.headers.host ?? '',
    'WAS-DEFAULT-HOSTNAME': request.headers.host ?? '',
    'X-Original-URL': rawTarget,
    'X-WAWS-Unencoded-URL': rawTarget,
  };
  const names = new Set(Object.keys(added).map((name) => name.toLowerCase()));
  const kept = request.rawHeaders.flatMap((name, index, all) =>
    index % 2 === 0 && !names.has(name.toLowerCase()) ? [name, all[index + 1] ?? ''] : [],
  );
  return [...kept, ...Object.entries(added).flat()];
}

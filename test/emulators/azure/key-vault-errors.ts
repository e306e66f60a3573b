import { randomUUID } from 'node:crypto';
import type { Answer } from './json-server.ts';
import type { IssuedToken } from './managed-identity.ts';

// Codes and texts are the service's, as the recorded tests and the issues of the Azure SDKs quote them; only `notFound`,
// `methodNotAllowed` and `failure` are worded here.

/** Headers of every answer of the service. */
export function serviceHeaders(): Record<string, string> {
  return {
    'cache-control': 'no-cache',
    pragma: 'no-cache',
    expires: '-1',
    'x-ms-keyvault-region': 'westeurope',
    'x-ms-request-id': randomUUID(),
    'x-ms-keyvault-service-version': '1.9.2784.1',
  };
}

function error(
  status: number,
  code: string,
  message: string,
  extra: { inner?: string; headers?: Record<string, string> } = {},
): Answer {
  const innererror = extra.inner === undefined ? {} : { innererror: { code: extra.inner } };
  return {
    status,
    headers: { ...serviceHeaders(), ...extra.headers },
    body: { error: { code, message, ...innererror } },
  };
}

/** 401 that tells the client where to get a token and for which resource. */
export function challenge(tenantId: string, resource: string): (message: string) => Answer {
  const authorization = `https://login.microsoftonline.com/${tenantId}`;
  const headers = { 'www-authenticate': `Bearer authorization="${authorization}", resource="${resource}"` };
  return (message) => error(401, 'Unauthorized', message, { headers });
}

/**
 * Undefined for a version the service has: 7.0 to 7.6, then dates from 2025-07-01 on. Dates are not listed one by one,
 * so that an update of the SDK needs no change here.
 */
export function apiVersionError(version: string | null): Answer | undefined {
  if (version === null) return error(400, 'BadParameter', 'api-version must be specified');
  if (/^7\.[0-6]$/.test(version)) return undefined;
  if (/^\d{4}-\d{2}-\d{2}$/.test(version) && version >= '2025-07-01') return undefined;
  return error(
    400,
    'BadParameter',
    `The specified version (${version}) is not recognized. Consider using the latest supported version (2025-07-01).`,
  );
}

export function notFound(): Answer {
  return error(404, 'NotFound', 'The requested resource was not found.');
}

export function methodNotAllowed(method: string): Answer {
  return error(405, 'MethodNotAllowed', `The emulator has no ${method} for this.`);
}

export function invalidName(name: string): Answer {
  return error(400, 'BadParameter', `The request URI contains an invalid name: ${name}`);
}

export function secretNotFound(id: string): Answer {
  return error(
    404,
    'SecretNotFound',
    `A secret with (name/id) ${id} was not found in this key vault. If you recently deleted this secret you may be ` +
      'able to recover it using the correct recovery command. For help resolving this issue, please see ' +
      'https://go.microsoft.com/fwlink/?linkid=2125182',
  );
}

export function secretDisabled(): Answer {
  return error(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', { inner: 'SecretDisabled' });
}

/** What an identity without a role is told; the text names it, so it belongs in no log of a caller's. */
export function forbiddenByRbac(caller: IssuedToken, tenantId: string, name: string): Answer {
  const lines = [
    'Caller is not authorized to perform action on resource.',
    'If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.',
    `Caller: appid=${caller.clientId ?? caller.objectId};oid=${caller.objectId};iss=https://sts.windows.net/${tenantId}/`,
    "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'",
    `Resource: '/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/emulator/providers/microsoft.keyvault/vaults/emulator/secrets/${name}'`,
    'Assignment: (not found)',
    'DenyAssignmentId: null',
    "DecisionReason: 'DeniedWithNoValidRBAC' ",
    'Vault: emulator;location=westeurope',
    '',
  ];
  return error(403, 'Forbidden', lines.join('\r\n'), { inner: 'ForbiddenByRbac' });
}

/** What a vault tells a network that it does not let in. */
export function forbiddenByFirewall(): Answer {
  const message =
    'Client address is not authorized and caller is not a trusted service.\r\nClient address: 192.0.2.1\r\nVault: emulator;location=westeurope';
  return error(403, 'Forbidden', message, { inner: 'ForbiddenByFirewall' });
}

export function throttled(retryAfterSeconds: number): Answer {
  return error(
    429,
    'Throttled',
    'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
    { headers: { 'retry-after': String(retryAfterSeconds) } },
  );
}

/** A failure of the service itself. */
export function failure(status: number): Answer {
  return error(status, status === 503 ? 'ServiceUnavailable' : 'InternalServerError', 'Failed on demand.');
}

import { PolicyError } from './errors.ts';
import type { Outcome } from './exchange.ts';
import { without } from './header-list.ts';
import { attributesOf, compileString, elementsOf, reject, type Statement } from './statement.ts';

/**
 * `set-backend-service` by backend id. The headers of the backend's credentials are added here and not when the
 * request is forwarded: the reference leaves the moment open, and this one shows a policy that deletes them again.
 */
export const setBackendService: Statement = {
  sections: ['inbound', 'backend'],
  compile(element, { backends }) {
    const { 'backend-id': id } = attributesOf(element, ['backend-id']);
    if (elementsOf(element).length > 0) reject(element, 'takes no child elements');
    const backend = Object.hasOwn(backends, id) ? backends[id] : undefined;
    if (backend === undefined) return reject(element, `there is no backend ${id}`);
    return (exchange) => {
      exchange.backend = backend.url;
      for (const [name, value] of Object.entries(backend.headers)) {
        exchange.request.headers = [...without(exchange.request.headers, name), [name, value]];
      }
      return 'continue';
    };
  },
};

/** `authentication-managed-identity`: sets `Authorization` to a token of an identity of the instance. */
export const authenticationManagedIdentity: Statement = {
  sections: ['inbound'],
  compile(element, { managedIdentityToken }) {
    const { resource, 'client-id': clientId } = attributesOf(element, ['resource'], ['client-id']);
    if (elementsOf(element).length > 0) reject(element, 'takes no child elements');
    const readResource = compileString(element, resource);
    return async (exchange): Promise<Outcome> => {
      const token = await managedIdentityToken?.(readResource(exchange), clientId).catch(() => undefined);
      if (token === undefined) {
        throw new PolicyError({
          source: 'authentication-managed-identity',
          reason: '',
          status: 500,
          message: 'The managed identity could not obtain a token.',
        });
      }
      exchange.request.headers = [
        ...without(exchange.request.headers, 'Authorization'),
        ['Authorization', `Bearer ${token}`],
      ];
      return 'continue';
    };
  },
};

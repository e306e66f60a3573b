import { randomUUID } from 'node:crypto';

import { azureFunctionsDetector } from '@opentelemetry/resource-detector-azure';
import {
  defaultResource,
  detectResources,
  envDetector,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';

/** As package.json has it, which is not part of the bundle. */
export const VERSION = '1.0.0';

/**
 * What sends the telemetry: the function app, as its environment describes it, over which `OTEL_SERVICE_NAME` and
 * `OTEL_RESOURCE_ATTRIBUTES` have the last word. Each process is an instance of its own: the cumulative sums of two
 * under one name would look like one that jumps back and forth.
 */
export function describeResource(): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'bedrock-proxy',
        'service.version': VERSION,
        'service.instance.id': randomUUID(),
      }),
    )
    .merge(detectResources({ detectors: [azureFunctionsDetector, envDetector] }));
}

import type { ClientSettings } from '../dev/snippets.ts';

/** What stands in the pages in the place of a reader's own gateway. */
export const EXAMPLE_SETTINGS: ClientSettings = {
  url: 'https://contoso.azure-api.net/bedrock',
  key: 'your-subscription-key',
  region: 'us-east-1',
  modelId: 'amazon.nova-lite-v1:0',
};

/** The text of a page for a gateway that is there. */
export function forGateway(text: string, { url, subscriptionKey }: { url: string; subscriptionKey: string }): string {
  return text.replaceAll(EXAMPLE_SETTINGS.url, url).replaceAll(EXAMPLE_SETTINGS.key, subscriptionKey);
}

import { type ClientSettings, snippets } from '../dev/snippets.ts';

/** What stands in the pages in the place of a reader's own gateway. */
const PLACE: Omit<ClientSettings, 'modelId'> = {
  url: 'https://contoso.azure-api.net/bedrock',
  key: 'your-subscription-key',
  region: 'us-east-1',
};

/** A model that the client is for, where it is not for all: by a part of its title. */
const MODELS: readonly (readonly [string, string])[] = [
  ['Anthropic', 'us.anthropic.claude-3-5-haiku-20241022-v1:0'],
  ['OpenAI', 'openai.gpt-oss-20b-1:0'],
  ['', 'amazon.nova-lite-v1:0'],
];

/** The calls that `npm run dev` prints, as the page for callers shows them: language and text. */
export function pageSnippets(): { title: string; language: string; text: string }[] {
  const titles = snippets({ ...PLACE, modelId: '' }).map(({ title }) => title);
  return titles.flatMap((title) => {
    const [, modelId = ''] = MODELS.find(([part]) => title.includes(part)) ?? [];
    return snippets({ ...PLACE, modelId }).filter((snippet) => snippet.title === title);
  });
}

/** The text of a page for a gateway that is there. */
export function forGateway(text: string, { url, subscriptionKey }: { url: string; subscriptionKey: string }): string {
  return text.replaceAll(PLACE.url, url).replaceAll(PLACE.key, subscriptionKey);
}

/** The model of every test that does not care which. */
export const modelId = 'anthropic.claude-3-haiku-20240307-v1:0';

/** One that answers at the paths of OpenAI. */
export const openAiModel = 'openai.gpt-oss-20b-1:0';

/** One with a price in infra/prices.csv, also of what is cached. */
export const pricedModel = 'anthropic.claude-haiku-4-5-20251001-v1:0';

/** A name for it, where the gateway orders one. */
export const ALIAS = 'team-default';

/** Paths with it, as the Anthropic SDKs write them; the AWS SDKs write `%3A` for the colon, and so does the proxy. */
export const converse = `/model/${modelId}/converse`;
export const converseStream = `/model/${modelId}/converse-stream`;

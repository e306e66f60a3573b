/** What a client has to be told. */
export interface ClientSettings {
  /** The gateway's URL with the suffix of the API. */
  readonly url: string;
  /** Subscription key. */
  readonly key: string;
  readonly region: string;
  readonly modelId: string;
}

/** A way to call the proxy, ready to be pasted. */
export interface Snippet {
  readonly client: string;
  /** Not indented, for Python's sake; each line begins with a line break. */
  readonly lines: string;
}

/** A working call for each kind of client. */
export function snippets({ url, key, region, modelId }: ClientSettings): readonly Snippet[] {
  return [
    {
      client: 'curl',
      lines: `
curl ${url}/model/${modelId}/converse \\
  -H 'api-key: ${key}' -H 'content-type: application/json' \\
  -d '{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}'`,
    },
    {
      client: 'AWS CLI',
      lines: `
AWS_BEARER_TOKEN_BEDROCK=${key} \\
aws bedrock-runtime converse --endpoint-url ${url} --region ${region} \\
  --model-id ${modelId} --messages '[{"role":"user","content":[{"text":"Hello"}]}]'`,
    },
    {
      client: 'Python (boto3)',
      lines: `
import boto3, os
os.environ["AWS_BEARER_TOKEN_BEDROCK"] = "${key}"
client = boto3.client(
    "bedrock-runtime", endpoint_url="${url}", region_name="${region}")
answer = client.converse_stream(
    modelId="${modelId}", messages=[{"role": "user", "content": [{"text": "Hello"}]}])
for event in answer["stream"]:
    print(event.get("contentBlockDelta", {}).get("delta", {}).get("text", ""), end="", flush=True)`,
    },
    {
      client: 'JavaScript (its own handler speaks HTTP/2 only, hence the NodeHttpHandler)',
      lines: `
import { BedrockRuntimeClient, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
process.env.AWS_BEARER_TOKEN_BEDROCK = '${key}';
const client = new BedrockRuntimeClient({
  endpoint: '${url}', region: '${region}', requestHandler: new NodeHttpHandler() });
const { stream } = await client.send(new ConverseStreamCommand({
  modelId: '${modelId}', messages: [{ role: 'user', content: [{ text: 'Hello' }] }] }));
for await (const { contentBlockDelta } of stream)
  process.stdout.write(contentBlockDelta?.delta?.text ?? '');`,
    },
    {
      client: '.NET (it sends no bearer token over http, hence the header)',
      lines: `
using Amazon.BedrockRuntime; using Amazon.BedrockRuntime.Model; using Amazon.Runtime;
var config = new AmazonBedrockRuntimeConfig {
    ServiceURL = "${url}", AuthenticationRegion = "${region}",
    HttpClientFactory = new WithKey() };
var client = new AmazonBedrockRuntimeClient(new BasicAWSCredentials("none", "none"), config);
var answer = await client.ConverseAsync(new ConverseRequest { ModelId = "${modelId}",
    Messages = [new Message { Role = "user", Content = [new ContentBlock { Text = "Hello" }] }] });
Console.WriteLine(answer.Output.Message.Content[0].Text);
class WithKey : HttpClientFactory {
    public override HttpClient CreateHttpClient(IClientConfig config) =>
        new() { DefaultRequestHeaders = { { "api-key", "${key}" } } };
}`,
    },
  ];
}

/** What a client has to be told. */
export interface ClientSettings {
  /** The gateway's URL with the suffix of the API. */
  readonly url: string;
  /** Subscription key. */
  readonly key: string;
  readonly region: string;
  readonly modelId: string;
  /** File of a certificate that clients have to be told to trust; absent where they trust it anyway. */
  readonly certificate?: string;
}

/** A way to call the proxy, ready to be pasted. */
export interface Snippet {
  readonly title: string;
  readonly language: 'bash' | 'python' | 'js' | 'csharp';
  /** What is to be known, in a few words. */
  readonly note?: string;
  /** Without a line break at either end. */
  readonly text: string;
}

/** A working call for each kind of client, curl first. */
export function snippets(settings: ClientSettings): readonly Snippet[] {
  return [
    curl(settings),
    cli(settings),
    python(settings),
    javascript(settings),
    dotnet(settings),
    anthropic(settings),
    openai(settings),
  ];
}

function curl({ url, key, modelId, certificate }: ClientSettings): Snippet {
  const trust = certificate === undefined ? '' : ` \\\n  --cacert ${certificate}`;
  return {
    title: 'curl',
    language: 'bash',
    text: `curl ${url}/model/${modelId}/converse${trust} \\
  -H 'api-key: ${key}' \\
  -H 'content-type: application/json' \\
  -d '{"messages":[{"role":"user","content":[{"text":"Hello"}]}]}'`,
  };
}

function cli({ url, key, region, modelId, certificate }: ClientSettings): Snippet {
  const trust = certificate === undefined ? '' : `AWS_CA_BUNDLE=${certificate} \\\n`;
  return {
    title: 'AWS CLI',
    language: 'bash',
    text: `${trust}AWS_BEARER_TOKEN_BEDROCK=${key} \\
aws bedrock-runtime converse --endpoint-url ${url} \\
  --region ${region} --model-id ${modelId} \\
  --messages '[{"role":"user","content":[{"text":"Hello"}]}]'`,
  };
}

function python({ url, key, region, modelId, certificate }: ClientSettings): Snippet {
  return {
    title: 'Python (boto3)',
    language: 'python',
    ...noteOf(certificate, 'AWS_CA_BUNDLE'),
    text: `import boto3, os
os.environ["AWS_BEARER_TOKEN_BEDROCK"] = "${key}"
client = boto3.client("bedrock-runtime", region_name="${region}",
    endpoint_url="${url}")
answer = client.converse_stream(modelId="${modelId}",
    messages=[{"role": "user", "content": [{"text": "Hello"}]}])
for event in answer["stream"]:
    text = event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
    print(text, end="", flush=True)`,
  };
}

function javascript({ url, key, region, modelId, certificate }: ClientSettings): Snippet {
  return {
    title: 'JavaScript (AWS SDK)',
    language: 'js',
    // Without a handler it speaks HTTP/2 and nothing else, which TLS here offers.
    ...(certificate === undefined
      ? { note: 'its own handler speaks HTTP/2 only' }
      : noteOf(certificate, 'NODE_EXTRA_CA_CERTS')),
    text: `import { BedrockRuntimeClient, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';${
      certificate === undefined ? "\nimport { NodeHttpHandler } from '@smithy/node-http-handler';" : ''
    }
process.env.AWS_BEARER_TOKEN_BEDROCK = '${key}';
const client = new BedrockRuntimeClient({
  endpoint: '${url}',
  region: '${region}',${certificate === undefined ? '\n  requestHandler: new NodeHttpHandler(),' : ''}
});
const { stream } = await client.send(new ConverseStreamCommand({
  modelId: '${modelId}',
  messages: [{ role: 'user', content: [{ text: 'Hello' }] }],
}));
for await (const { contentBlockDelta } of stream)
  process.stdout.write(contentBlockDelta?.delta?.text ?? '');`,
  };
}

function dotnet({ url, key, region, modelId, certificate }: ClientSettings): Snippet {
  const bearer = url.startsWith('https:');
  const head = bearer
    ? `using Amazon.BedrockRuntime; using Amazon.BedrockRuntime.Model;
Environment.SetEnvironmentVariable("AWS_BEARER_TOKEN_BEDROCK", "${key}");
var client = new AmazonBedrockRuntimeClient(new AmazonBedrockRuntimeConfig {
    ServiceURL = "${url}", AuthenticationRegion = "${region}" });`
    : `using Amazon.BedrockRuntime; using Amazon.BedrockRuntime.Model; using Amazon.Runtime;
var client = new AmazonBedrockRuntimeClient(new BasicAWSCredentials("none", "none"),
    new AmazonBedrockRuntimeConfig {
        ServiceURL = "${url}", AuthenticationRegion = "${region}",
        HttpClientFactory = new WithKey() });`;
  const tail = bearer
    ? ''
    : `
class WithKey : HttpClientFactory {
    public override HttpClient CreateHttpClient(IClientConfig config) =>
        new() { DefaultRequestHeaders = { { "api-key", "${key}" } } };
}`;
  return {
    title: '.NET (AWS SDK)',
    language: 'csharp',
    ...(bearer ? noteOf(certificate, 'SSL_CERT_FILE') : { note: 'it sends no bearer token over http' }),
    text: `${head}
var answer = await client.ConverseAsync(new ConverseRequest {
    ModelId = "${modelId}", Messages = [new Message {
        Role = "user", Content = [new ContentBlock { Text = "Hello" }] }] });
Console.WriteLine(answer.Output.Message.Content[0].Text);${tail}`,
  };
}

function anthropic({ url, key, region, modelId, certificate }: ClientSettings): Snippet {
  return {
    title: 'JavaScript (Anthropic SDK)',
    language: 'js',
    ...noteOf(certificate, 'NODE_EXTRA_CA_CERTS'),
    text: `import { AnthropicBedrock } from '@anthropic-ai/bedrock-sdk';
const client = new AnthropicBedrock({
  baseURL: '${url}',
  awsRegion: '${region}',
  skipAuth: true,
  defaultHeaders: { 'api-key': '${key}' },
});
const { content } = await client.messages.create({
  model: '${modelId}',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(content[0].text);`,
  };
}

function openai({ url, key, modelId, certificate }: ClientSettings): Snippet {
  return {
    title: 'JavaScript (OpenAI SDK)',
    language: 'js',
    ...noteOf(certificate, 'NODE_EXTRA_CA_CERTS'),
    text: `import OpenAI from 'openai';
const client = new OpenAI({
  baseURL: '${url}/openai/v1',
  apiKey: '${key}',
});
const { choices } = await client.chat.completions.create({
  model: '${modelId}',
  messages: [{ role: 'user', content: 'Hello' }],
});
console.log(choices[0].message.content);`,
  };
}

/** How a client is told to trust the certificate. */
function noteOf(certificate: string | undefined, variable: string): Pick<Snippet, 'note'> {
  return certificate === undefined ? {} : { note: `with ${variable}=${certificate}` };
}

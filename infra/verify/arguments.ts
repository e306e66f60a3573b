import { parseArgs } from 'node:util';

import { Problem } from './problem.ts';

export interface Arguments {
  readonly url: URL;
  /** Absent: to be asked for. */
  readonly key: string | undefined;
  /** Whether the key stood among the arguments, where npm has printed it. */
  readonly keyIsArgument: boolean;
  readonly json: boolean;
  readonly calls: boolean;
  readonly modelId: string | undefined;
  /** Whether to wait for the records of this run. */
  readonly log: boolean;
  /** Whether those who are told of alerts get a test notification. */
  readonly notify: boolean;
  /** IAM user or role that the proxy signs as, where the AWS account is to be looked at. */
  readonly aws: string | undefined;
  /** Resource group, and resource id of the gateway; absent: those of azd's environment. */
  readonly group: string | undefined;
  readonly gatewayId: string | undefined;
  /** Path of the package that should be deployed; absent: the one that this checkout has made. */
  readonly package: string | undefined;
}

export const USAGE = `npm run verify -- <url> [<key>] [--model <id>] [--no-calls]
                  [--no-log] [--group <name>] [--gateway <id>] [--notify]
                  [--package <zip>] [--aws <user or role>] [--json]

  <url>       the endpoint as clients have it, https://contoso.azure-api.net/bedrock
  <key>       a subscription key; better in the variable VERIFY_KEY, or typed when
              asked for: npm prints arguments
  --model     model or inference profile for the calls
  --no-calls  asks Bedrock for no answer: nothing is paid
  --no-log    does not look for the records of these calls (up to five minutes)
  --group     resource group of the deployment, where azd has no environment of it
  --gateway   resource id of the API Management instance, if it is elsewhere
  --package   what should be deployed, if it is not dist/package.zip
  --notify    sends a test notification to whoever is told of alerts
  --aws       looks at the AWS account, too, as whoever AWS_PROFILE names: the IAM
              user of the proxy by its name, or its role by ARN
  --json      the report as JSON; npm run --silent keeps npm's own lines away

Exit code: 0 nothing has failed, 1 something has, 2 it could not be run.`;

/** @throws Problem for what cannot be run; it repeats nothing of what was typed */
export function readArguments(words: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const { values, positionals } = parse(words);
  if (positionals.length > 2) throw new Problem(`There are too many arguments.\n\n${USAGE}`);
  const [url = '', key = environment['VERIFY_KEY'] || undefined] = positionals;
  if (key !== undefined) checkKey(key);
  return {
    url: parseUrl(url),
    key,
    keyIsArgument: positionals[1] !== undefined,
    json: values.json ?? false,
    calls: !(values['no-calls'] ?? false),
    modelId: values.model,
    log: !(values['no-log'] ?? false),
    notify: values.notify ?? false,
    aws: values.aws,
    group: values.group,
    gatewayId: values.gateway,
    package: values.package,
  };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        'no-calls': { type: 'boolean' },
        'no-log': { type: 'boolean' },
        notify: { type: 'boolean' },
        aws: { type: 'string' },
        group: { type: 'string' },
        gateway: { type: 'string' },
        package: { type: 'string' },
        model: { type: 'string' },
      },
    });
  } catch {
    // Its message would repeat what stands in the place of an option.
    throw new Problem(`There is an option that is not known.\n\n${USAGE}`);
  }
}

/** @throws Problem for what cannot be an endpoint */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new Problem(`The first argument must be the URL of the endpoint, with https://.\n\n${USAGE}`);
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw new Problem('The URL must have no query, no fragment and no password: the key is an argument of its own.');
  }
  return url;
}

/** Less could stand in any word of the report, which it is taken out of. */
const SHORTEST_KEY = 8;

/** @throws Problem for a key that no header can hold, or that cannot be kept out of the report */
export function checkKey(key: string): void {
  if (!/^[\x21-\x7e]+$/.test(key)) {
    throw new Problem('The key is empty, or holds a blank or a character that is not ASCII.');
  }
  if (key.length < SHORTEST_KEY) throw new Problem(`The key has fewer than ${SHORTEST_KEY} characters.`);
}

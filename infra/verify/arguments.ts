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
}

export const USAGE = `npm run verify -- <url> [<key>] [--model <id>] [--no-calls] [--json]

  <url>       the endpoint as clients have it, https://contoso.azure-api.net/bedrock
  <key>       a subscription key; better in the variable VERIFY_KEY, or typed when
              asked for: npm prints arguments
  --model     model or inference profile for the calls
  --no-calls  asks Bedrock for no answer: nothing is paid
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

/** @throws Problem for a key that no header can hold */
export function checkKey(key: string): void {
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new Problem('The key is empty, or holds a blank or a character that is not ASCII.');
}

import { text } from 'node:stream/consumers';

import type { AwsCredentials } from '../../src/aws/credentials.ts';
import { parseSecret } from '../../src/credentials/secret.ts';
import { SetupError } from '../build/local-settings.ts';
import { askSecret } from '../verify/prompt.ts';

/**
 * An AWS key as it was typed or piped in: AWS's own JSON, or three lines (access key id, secret access key, session token,
 * the last empty or absent for none).
 *
 * @throws SetupError that names what is wrong, never a value
 */
export function keyOf(input: string): AwsCredentials {
  const given = input.trimStart().startsWith('{') ? parseJson(input) : threeLines(input);
  const { accessKeyId, secretAccessKey, sessionToken } = given;
  if (!/^[A-Z0-9]+$/.test(accessKeyId))
    throw new SetupError('An access key id consists of capital letters and digits.');
  if (secretAccessKey === '') throw new SetupError('The secret access key is empty.');
  for (const value of [secretAccessKey, sessionToken ?? '']) {
    if (!/^[A-Za-z0-9/+=]*$/.test(value)) {
      throw new SetupError('A secret access key or session token consists of letters, digits and / + = only.');
    }
  }
  return given;
}

function parseJson(input: string): AwsCredentials {
  try {
    return parseSecret(input);
  } catch (error) {
    throw new SetupError(`The JSON holds no AWS key: ${error instanceof Error ? error.message : ''}.`);
  }
}

function threeLines(input: string): AwsCredentials {
  const [accessKeyId = '', secretAccessKey = '', sessionToken = ''] = input.split('\n').map((line) => line.trim());
  return { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) };
}

/** Asks on the terminal, without echo; without a terminal reads what is piped in. @throws SetupError as `keyOf` does */
export async function readKey(): Promise<AwsCredentials> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) {
    const input = await text(stdin);
    if (input.trim() === '')
      throw new SetupError('There is no terminal to ask on, and nothing was piped in: see --help.');
    return keyOf(input);
  }
  const answers: string[] = [];
  for (const question of ['AWS access key id', 'AWS secret access key', 'AWS session token (empty for none)']) {
    const answer = await askSecret(question, stdin, stderr);
    if (answer === undefined) throw new SetupError('Nothing was stored.');
    answers.push(answer);
  }
  return keyOf(answers.join('\n'));
}

import { describe, expect, it } from 'vitest';

import { parseSecret } from '../../../src/credentials/secret.ts';

const KEYS = { accessKeyId: 'AKIDJSON', secretAccessKey: 'json/secret+1' };
const SESSION = { ...KEYS, sessionToken: 't/+=' };
const PASCAL = { AccessKeyId: KEYS.accessKeyId, SecretAccessKey: KEYS.secretAccessKey };

describe('the keys in a secret', () => {
  it.each<[string, string, object]>([
    ['as they are documented', JSON.stringify(KEYS), KEYS],
    ['a session', JSON.stringify(SESSION), SESSION],
    ['a byte order mark, of Windows PowerShell', `\ufeff${JSON.stringify(KEYS)}`, KEYS],
    ['white space and a byte order mark', `\r\n \ufeff${JSON.stringify(KEYS)}\r\n`, KEYS],
    ['a session token of null', JSON.stringify({ ...KEYS, sessionToken: null }), KEYS],
    [
      'aws iam create-access-key',
      JSON.stringify(
        { AccessKey: { UserName: 'proxy', ...PASCAL, Status: 'Active', CreateDate: '2026-11-30T08:00:00+00:00' } },
        undefined,
        4,
      ),
      KEYS,
    ],
    [
      'aws sts assume-role',
      JSON.stringify({
        Credentials: { ...PASCAL, SessionToken: 't/+=', Expiration: '2026-11-30T09:00:00+00:00' },
        AssumedRoleUser: { AssumedRoleId: 'AROA:x', Arn: 'arn:aws:sts::123456789012:assumed-role/r/x' },
      }),
      SESSION,
    ],
    [
      'aws configure export-credentials',
      JSON.stringify({ Version: 1, ...PASCAL, SessionToken: 't/+=', Expiration: '2026-11-30T09:00:00+00:00' }),
      SESSION,
    ],
    [
      'New-IAMAccessKey | ConvertTo-Json, in a file of Windows PowerShell',
      `\ufeff{\r\n    "AccessKeyId":  "AKIDJSON",\r\n    "CreateDate":  "\\/Date(1796025600000)\\/",\r\n    "SecretAccessKey":  "json/secret+1",\r\n    "Status":  {\r\n                   "Value":  "Active"\r\n               },\r\n    "UserName":  "proxy"\r\n}\r\n`,
      KEYS,
    ],
    ['other members', JSON.stringify({ ...KEYS, note: 'x y' }), KEYS],
    ['both ways to write the names: the documented one', JSON.stringify({ ...PASCAL, ...KEYS }), KEYS],
  ])('%s', (_name, text, expected) => {
    expect(parseSecret(text)).toStrictEqual(expected);
  });
});

describe('what is wrong is named, and no value is', () => {
  it.each<[string, string]>([
    ['', 'not valid JSON'],
    ['SECRETVALUE', 'not valid JSON'],
    ['{"accessKeyId":"SECRETVALUE","secretAccessKey":', 'not valid JSON'],
    ['\ufeff', 'not valid JSON'],
    ['null', 'accessKeyId is missing'],
    ['[]', 'accessKeyId is missing'],
    ['"SECRETVALUE"', 'accessKeyId is missing'],
    ['{"AccessKey":"SECRETVALUE"}', 'accessKeyId is missing'],
    ['{"AccessKey":{"AccessKeyId":"SECRETVALUE"}}', 'secretAccessKey is missing'],
    ['{"AccessKey":{"AccessKeyId":"A","SecretAccessKey":"SECRET VALUE"}}', 'secretAccessKey is missing or malformed'],
    ['{"Credentials":{"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":5}}', 'sessionToken is missing'],
    ['{"accesskeyid":"A","secretaccesskey":"SECRETVALUE"}', 'accessKeyId is missing'],
    ['{"__proto__":{"accessKeyId":"A","secretAccessKey":"SECRETVALUE"}}', 'accessKeyId is missing'],
  ])('%j', (text, problem) => {
    let thrown: unknown;
    try {
      parseSecret(text);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ name: 'VaultError', message: expect.stringContaining(problem) });
    expect(`${(thrown as Error).message} ${String((thrown as Error).cause)}`).not.toMatch(/SECRET ?VALU/);
  });
});

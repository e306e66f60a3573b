import { describe, expect, it } from 'vitest';

import { callerNames } from '../../../src/callers/caller-names.ts';

const caller = {
  subscriptionId: 'team-a',
  subscriptionName: 'Ada Lovelace',
  productId: 'assistants',
  userId: 'ada@example.com',
  gatewayRequestId: '5c0e',
  allowedModels: ['amazon.*'],
};
const { subscriptionName: _name, userId: _user, ...rest } = caller;

describe('callerNames', () => {
  it('full: tells everything', () => {
    expect(callerNames({ mode: 'full' })(caller)).toStrictEqual(caller);
  });

  it('none: leaves out what may be the name of a person, and nothing else', () => {
    expect(callerNames({ mode: 'none' })(caller)).toStrictEqual(rest);
  });

  it('hashed: HMAC-SHA-256 by the key, cut to 32 hexadecimal digits', () => {
    // printf 'Ada Lovelace' | openssl dgst -sha256 -hmac 'a key of 16 bytes'
    expect(callerNames({ mode: 'hashed', key: 'a key of 16 bytes' })(caller)).toStrictEqual({
      ...rest,
      subscriptionName: 'c9ba86c3ab0a6de6a79c759d66ad83c2',
      userId: '97e6dfa2ad0d7e948cc3ec2db5dcb864',
    });
  });

  it('hashed: another key gives other hashes', () => {
    const [one, other] = ['one', 'other'].map((key) => callerNames({ mode: 'hashed', key })(caller));
    expect(one?.userId).not.toBe(other?.userId);
    expect(one?.subscriptionName).not.toBe(other?.subscriptionName);
  });

  it.each([{ mode: 'full' }, { mode: 'none' }, { mode: 'hashed', key: 'key' }] as const)(
    '$mode: what is not known stays absent',
    (options) => {
      expect(callerNames(options)({})).toStrictEqual({});
    },
  );
});

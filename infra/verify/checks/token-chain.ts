import { type Check, ok } from '../check.ts';

export const tokenChain: Check = {
  id: '15',
  title: 'The function takes the token of the gateway',
  layer: 'function',
  needs: ['13'],
  async run() {
    return ok('it has answered 13, which it does for its gateway only');
  },
};

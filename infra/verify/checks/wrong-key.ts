import type { Check } from '../check.ts';
import { expectUnauthorized } from './no-key.ts';

export const wrongKey: Check = {
  id: '12',
  title: 'A wrong key is refused',
  layer: 'gateway',
  needs: ['11'],
  run: ({ endpoint }) => expectUnauthorized(endpoint, { 'api-key': 'not-a-key-of-this-gateway' }),
};

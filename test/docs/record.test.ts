import { describe, expect, it } from 'vitest';

import { LOG_EVENTS } from '../../src/log.ts';
import { declaredFields, documentedFields, firstCells, stringsOf } from '../support/reference.ts';

const RECORD = 'src/record/record.ts';

describe("the README's reference of the record", () => {
  it('names every field, once, and no other', () => {
    const fields = declaredFields();
    expect(fields.length).toBeGreaterThan(40);
    expect(documentedFields().toSorted()).toStrictEqual(fields.toSorted());
  });

  it('names every outcome', () => {
    const outcomes = stringsOf(RECORD, 'Outcome');
    expect(outcomes.length).toBeGreaterThan(4);
    expect(firstCells('`outcome`').toSorted()).toStrictEqual(outcomes.toSorted());
  });

  it('names every reason why nothing is known of the tokens', () => {
    const reasons = [
      ...stringsOf('src/usage/reading.ts', 'unknown'),
      ...stringsOf('src/usage/accumulator.ts', 'Trouble'),
      'no answer',
    ];
    expect(reasons.length).toBeGreaterThan(7);
    expect(stringsOf(RECORD, 'usageUnknown')).toContain('no answer');
    expect(firstCells('`usageUnknown`', 'src/usage/README.md').toSorted()).toStrictEqual(reasons.toSorted());
  });

  it('names every other line', () => {
    expect(firstCells('`event`').toSorted()).toStrictEqual(LOG_EVENTS.toSorted());
  });
});

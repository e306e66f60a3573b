import { type Json, same, text } from './json.ts';
import type { Look } from './look.ts';

/** The template and azd tag each resource of an environment with its name. */
const TAG = 'azd-env-name';

export function environmentOf(resource: Json): string {
  return text(resource, 'tags', TAG);
}

/**
 * The environment that the group holds, where none is known by name: that of its function app. Empty where no app has
 * one; where several apps have, nobody can tell which is meant.
 */
export function environmentIn(group: string, resources: readonly Json[]): Look<string> {
  const apps = resources.filter((each) => same(text(each, 'type'), 'Microsoft.Web/sites'));
  const names = [...new Set(apps.map(environmentOf))].filter((name) => name !== '');
  if (names.length < 2) return { found: names[0] ?? '' };
  return { why: `${group} has the function apps of ${names.join(' and ')}: run it where azd's environment is` };
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Something that the person who runs a script can put right; the message says how. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}

/**
 * `Values` of `local.settings.json`, the app settings that Core Tools give to the function.
 *
 * @returns undefined when `folder` holds no such file
 * @throws SetupError for a file of another form; it names no value
 */
export async function readLocalSettings(folder: string): Promise<Record<string, string> | undefined> {
  const text = await readFile(join(folder, 'local.settings.json'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const file = parse(text);
  if (file['IsEncrypted'] === true) {
    throw new SetupError('local.settings.json is encrypted: `func settings decrypt` makes it readable.');
  }
  const values = file['Values'] ?? {};
  if (!isObject(values)) throw new SetupError('`Values` in local.settings.json must be an object.');
  const wrong = Object.entries(values).filter(([, value]) => typeof value === 'object');
  if (wrong.length > 0) {
    throw new SetupError(`Values in local.settings.json must be strings: ${wrong.map(([name]) => name).join(', ')}`);
  }
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)]));
}

function parse(text: string): Record<string, unknown> {
  let file: unknown;
  try {
    // Editors on Windows begin a file with a byte order mark.
    file = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    // The parser's message would quote what stands around the mistake: a key, perhaps.
  }
  if (!isObject(file)) throw new SetupError('local.settings.json is not a JSON object.');
  return file;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

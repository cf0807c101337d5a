// Makes the workspace ready to run: dependencies installed, packages built.
// Each step leaves a stamp in node_modules/.neuralode and is skipped while the stamp still holds.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const stamps = join(root, 'node_modules', '.neuralode');
const windows = process.platform === 'win32';

/** A failure that is told in one sentence, without a stack trace. */
export class SetupError extends Error {}

/**
 * Installs and builds what is needed.
 * @param {{ only?: string }} [options] `only`: build this package and its dependencies, not all
 */
export function setup(options = {}) {
  install();
  build(options.only);
}

/** Installs the dependencies, unless node_modules already matches the lockfile. */
export function install() {
  checkNode();
  if (readStamp('install') === installHash()) return;
  say('installing dependencies (once)…');
  const { packageManager } = readJson(join(root, 'package.json'));
  const args = ['install', '--frozen-lockfile', '--prod=false', '--reporter=append-only'];
  const done = run('npx', ['--yes', packageManager, ...args], { env: installEnv() });
  if (done.status !== 0) {
    fail(
      done.output,
      `installing dependencies failed (npx ${packageManager} install, ${done.reason}); ` +
        'is the package registry reachable?',
    );
  }
  writeStamp('install', installHash());
}

/**
 * Builds all packages, or one and what it depends on, unless nothing changed since the last build.
 * @param {string} [only]
 */
export function build(only) {
  const stamp = `build-${(only ?? 'all').replace(/\W/g, '-')}`;
  if (readStamp(stamp) === buildHash()) return;
  say('building…');
  const done = turbo(['run', 'build', ...(only ? [`--filter=${only}`] : [])]);
  if (done.status !== 0)
    fail(done.output, `the build failed (${done.reason}); the errors are above`);
  writeStamp(stamp, buildHash());
}

/**
 * Runs turbo in the root.
 * @param {string[]} args
 * @param {{ show?: boolean }} [options] `show`: print its output as it comes
 */
export function turbo(args, options = {}) {
  return run('turbo', args, { env: toolEnv(), show: options.show });
}

/** The environment for tools of the workspace: their commands on the path, nothing sent home. */
export function toolEnv() {
  const pathName = Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const path = process.env[pathName] ?? '';
  return {
    ...process.env,
    [pathName]: `${join(root, 'node_modules', '.bin')}${delimiter}${path}`,
    NEURALODE_NODE: process.version,
    TURBO_TELEMETRY_DISABLED: '1',
    TURBO_NO_UPDATE_NOTIFIER: '1',
    DO_NOT_TRACK: '1',
  };
}

/**
 * Runs a command in the root to its end. A command on Windows is a script, which needs a shell.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, show?: boolean }} [options]
 */
export function run(command, args, options = {}) {
  const done = spawnSync(command, args, {
    cwd: root,
    env: options.env ?? process.env,
    stdio: options.show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    shell: windows,
  });
  const reason =
    done.error?.message ?? (done.signal ? `stopped by ${done.signal}` : `exit ${done.status}`);
  return { status: done.status, reason, output: `${done.stdout ?? ''}${done.stderr ?? ''}` };
}

/**
 * Runs the body of a script; a SetupError ends it with one sentence and exit code 1.
 * @param {() => void | Promise<void>} body
 */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`neuralode: ${error.message}\n`);
    process.exit(1);
  }
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  throw new SetupError(
    `needs Node 20.19 or newer, this is ${process.version}; install a newer Node`,
  );
}

// no questions, and dev dependencies too: NODE_ENV=production would leave the compiler out
function installEnv() {
  const { NODE_ENV: _, ...env } = process.env;
  return { ...env, CI: 'true', npm_config_update_notifier: 'false' };
}

function installHash() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  for (const dir of workspaceDirs()) files.push(join(dir, 'package.json'));
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(join(root, file)));
  for (const dir of workspaceDirs()) {
    // a package's own node_modules may have been deleted by hand
    hash.update(String(existsSync(join(root, dir, 'node_modules'))));
  }
  return hash.digest('hex');
}

// names, sizes and times of sources and outputs: a change of either asks turbo, which looks closer
function buildHash() {
  const hash = createHash('sha256').update(readStamp('install') ?? '');
  const note = (/** @type {string} */ file) => {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  };
  for (const file of readdirSync(root)) if (/^(tsconfig.*|turbo)\.json$/.test(file)) note(file);
  for (const dir of workspaceDirs()) {
    for (const file of filesUnder(dir)) note(file);
  }
  return hash.digest('hex');
}

const notBuilt = new Set(['node_modules', '.turbo', 'test', 'test-e2e', 'runs', '.venv']);

/** @returns {string[]} */
function filesUnder(/** @type {string} */ dir) {
  return readdirSync(join(root, dir), { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return notBuilt.has(entry.name) ? [] : filesUnder(path);
    return entry.isFile() ? [path] : [];
  });
}

/** The folders of the workspace's packages, relative to the root. */
export function workspaceDirs() {
  const dirs = ['bench'];
  for (const parent of ['packages', 'apps']) {
    for (const name of readdirSync(join(root, parent)).sort()) dirs.push(join(parent, name));
  }
  return dirs.filter((dir) => existsSync(join(root, dir, 'package.json')));
}

/** @param {string} file */
export function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function readStamp(/** @type {string} */ name) {
  const file = join(stamps, name);
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

function writeStamp(/** @type {string} */ name, /** @type {string} */ value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(join(stamps, name), value);
}

function say(/** @type {string} */ line) {
  process.stderr.write(`${line}\n`);
}

/** @returns {never} */
function fail(/** @type {string} */ output, /** @type {string} */ sentence) {
  process.stderr.write(`${output.trimEnd()}\n`);
  throw new SetupError(sentence);
}

// Builds the addon of @tensorflow/tfjs-node-gpu against the libraries of a TensorFlow wheel, where it is missing, and
// links that package to where this one looks for it. No install runs this: `npm run test:node-gpu` does.
//
//   node scripts/build-addon.mjs [--cuda | --cpu]    default: CUDA where nvidia-smi finds a card
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const name = '@tensorflow/tfjs-node-gpu';
const version = '4.22.0';
// the wheel whose C interface the addon of that version was tried with
const wheelVersion = '2.21.0';

const here = fileURLToPath(new URL('..', import.meta.url));
// inside node_modules: git, the bundler, the formatter and the tests pass over it
const folder = join(here, 'node_modules', '.addon');
const addon = join(folder, 'node_modules', name);
const python = join(folder, 'venv', 'bin', 'python');

/** A failure that is told in one sentence, without a stack trace. */
class BuildError extends Error {}

/** What the build takes from elsewhere is not to be had: no fault of the addon. Ends with EX_TEMPFAIL of sysexits.h. */
class UnreachableError extends BuildError {}
const unreachable = 75;

try {
  const cuda = wantsCuda(process.argv.slice(2));
  const wheel = `${cuda ? 'tensorflow[and-cuda]' : 'tensorflow-cpu'}==${wheelVersion}`;
  if (!isBuilt(wheel)) build(wheel);
  link();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`node-gpu: ${error.message}\n`);
  process.exitCode = error instanceof UnreachableError ? unreachable : 1;
}

function wantsCuda(/** @type {string[]} */ args) {
  const unknown = args.find((arg) => arg !== '--cuda' && arg !== '--cpu');
  if (unknown !== undefined) {
    throw new BuildError(`unknown option ${unknown}; expected --cuda, --cpu, or neither`);
  }
  if (args.length > 0) return args.includes('--cuda');
  return spawnSync('nvidia-smi', ['-L'], { stdio: 'ignore' }).status === 0;
}

/** The stamp is written last, so what was interrupted is built anew. */
function isBuilt(/** @type {string} */ wheel) {
  const stamp = join(folder, 'built');
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampOf(wheel);
}

function stampOf(/** @type {string} */ wheel) {
  return `${name}@${version} ${wheel} ${process.platform}-${process.arch}\n`;
}

function build(/** @type {string} */ wheel) {
  if (process.platform !== 'linux') {
    throw new BuildError(
      `the addon is built on Linux only, this is ${process.platform}; install ${name} as its own README says`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say(`fetching ${wheel}, in a Python environment of its own (1.6 GB; with CUDA about 7)…`);
  const question = 'Is Python 3.10 or newer with venv installed?';
  fetches('making a Python environment', question, ['python3', '-m', 'venv', join(folder, 'venv')]);
  fetches(`installing ${wheel}`, "Is pip's package index reachable, and does it have this wheel?", [
    python,
    ...['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', wheel],
  ]);
  say(`fetching ${name} ${version}, without its install script…`);
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  fetches(`installing ${name}`, 'Is the package registry reachable?', [
    'npm',
    ...['install', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${version}`],
  ]);
  placeLibraries();
  compile();
  writeFileSync(join(folder, 'built'), stampOf(wheel));
}

/**
 * The addon looks for headers and libraries under deps/. Both are links into the wheel, which finds CUDA's libraries
 * beside itself: a copy elsewhere would not.
 */
function placeLibraries() {
  const lib = join(folder, 'venv', 'lib');
  const [versioned] = readdirSync(lib).filter((entry) => entry.startsWith('python3'));
  const wheel = join(lib, versioned, 'site-packages', 'tensorflow');
  const deps = join(addon, 'deps');
  mkdirSync(deps, { recursive: true });
  symlinkSync(wheel, join(deps, 'lib'));
  symlinkSync(join(wheel, 'include'), join(deps, 'include'));
  // the names that the linker asks for
  symlinkSync('libtensorflow_cc.so.2', join(wheel, 'libtensorflow.so'));
  symlinkSync('libtensorflow_framework.so.2', join(wheel, 'libtensorflow_framework.so'));
}

function compile() {
  say('compiling the addon…');
  const tool = join(folder, 'node_modules', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp');
  runs(
    'compiling the addon',
    'Are a C++ compiler, make and the headers of Node installed?',
    [process.execPath, tool, 'install', '--build-from-source'],
    addon,
  );
}

/** Node's own headers where they lie beside it, so that the compiler need not fetch them. */
function environment() {
  const prefix = resolve(dirname(process.execPath), '..');
  const hasHeaders = existsSync(join(prefix, 'include', 'node', 'node_api.h'));
  return hasHeaders ? { ...process.env, npm_config_nodedir: prefix } : process.env;
}

function link() {
  const place = join(here, 'node_modules', name);
  mkdirSync(dirname(place), { recursive: true });
  rmSync(place, { recursive: true, force: true });
  symlinkSync(addon, place);
}

function fetches(
  /** @type {string} */ what,
  /** @type {string} */ question,
  /** @type {string[]} */ command,
) {
  try {
    runs(what, question, command);
  } catch (error) {
    throw new UnreachableError(error instanceof Error ? error.message : String(error));
  }
}

function runs(
  /** @type {string} */ what,
  /** @type {string} */ question,
  /** @type {string[]} */ [command, ...args],
  cwd = folder,
) {
  const done = spawnSync(command, args, { cwd, env: environment(), encoding: 'utf8' });
  if (done.status === 0) return;
  const output = `${done.stdout ?? ''}${done.stderr ?? ''}`.trimEnd();
  process.stderr.write(`${output}\n`);
  const reason = done.error?.message ?? `exit ${done.status ?? done.signal}`;
  throw new BuildError(`${what} failed (${reason}); what it printed is above. ${question}`);
}

function say(/** @type {string} */ line) {
  process.stderr.write(`node-gpu: ${line}\n`);
}

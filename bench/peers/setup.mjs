// Sets up the Python peers of the bench in bench/.venv, in one command:
//
//     node bench/peers/setup.mjs [--full] [--python PATH]
//
// Run again, it finds everything in place and changes nothing. Needs Python 3.11 or newer, and a network for pip.
//
// On Linux the torch wheel asks for 4 GB of CUDA libraries. The peers run on the CPU, so those are left out, and a
// library of torch's own (libtorch_global_deps.so, which exports no functions) is linked under each missing name. The
// loader then finds every library it was told to load; their functions are looked up on first use, which never comes
// (see cpu_torch.py). `--full` installs torch with all of CUDA instead.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = dirname(fileURLToPath(import.meta.url));
const venv = join(here, '..', '.venv');
const onWindows = process.platform === 'win32';
const venvPython = onWindows ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
const stampFile = join(venv, 'peers.json');
const requirements = join(here, 'requirements.txt');
const torchRequirements = join(here, 'requirements-torch.txt');

/** Libraries that torch's own libraries name as needed, and that only GPU work calls. */
const leftOut = [
  'libcublas.so.13',
  'libcublasLt.so.13',
  'libcudnn.so.9',
  'libcufft.so.12',
  'libcufile.so.0',
  'libcusparse.so.12',
  'libcusparseLt.so.0',
  'libnccl.so.2',
  'libnvrtc.so.13',
];

/**
 * In GB. Measured with Python 3.11 on Linux x86-64; `plain`, for macOS and Windows, whose wheels
 * have no CUDA in them, is an estimate.
 */
const sizes = {
  lean: { download: 0.9, disk: 2.4 },
  full: { download: 3.3, disk: 6.5 },
  plain: { download: 0.6, disk: 2 },
};

const check = `
import json
from cpu_torch import torch
import jax, diffrax, equinox, optax, scipy, torchdiffeq
y = torch.ones(2, 3, requires_grad=True)
torchdiffeq.odeint(lambda t, y: torch.tanh(y @ torch.ones(3, 3)), y, torch.tensor([0.0, 1.0])).sum().backward()
assert jax.grad(lambda x: (x * x).sum())(jax.numpy.ones(3)).shape == (3,)
modules = (torch, torchdiffeq, jax, diffrax, equinox, optax, scipy)
print(json.dumps({module.__name__: module.__version__ for module in modules}))
`;

function stop(sentence, code = 1) {
  console.error(sentence);
  process.exit(code);
}

function options() {
  try {
    return parseArgs({
      options: { full: { type: 'boolean', default: false }, python: { type: 'string' } },
    }).values;
  } catch (error) {
    return stop(`${error.message}\nUsage: node bench/peers/setup.mjs [--full] [--python PATH]`, 2);
  }
}

/** Runs a program in sight of the person; stops with the given sentence when it fails. */
function run(program, args, failure) {
  const { status, signal } = spawnSync(program, args, { cwd: here, stdio: 'inherit' });
  if (signal) stop('\nStopped. Run the command again to start over.', 130);
  if (status !== 0) stop(failure);
}

function capture(program, args) {
  const env = { ...process.env, JAX_PLATFORMS: 'cpu', PYTHONDONTWRITEBYTECODE: '1' };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: here, encoding: 'utf8', env });
  return { ok: status === 0, out: (stdout ?? '').trim(), error: (stderr ?? '').trim() };
}

/** The Python that will make the environment: present, new enough, and able to make one. */
function findPython(given) {
  const python = given ?? (onWindows ? 'python' : 'python3');
  const version = capture(python, ['-c', 'import sys; print(*sys.version_info[:2])']);
  if (!version.ok) {
    stop(
      `The bench's peers need Python 3.11 or newer, and "${python}" does not run. Install it, or name one: --python PATH.`,
    );
  }
  const [major, minor] = version.out.split(' ').map(Number);
  if (major !== 3 || minor < 11) {
    stop(
      `The bench's peers need Python 3.11 or newer; "${python}" is ${major}.${minor}. Name a newer one: --python PATH.`,
    );
  }
  if (!capture(python, ['-c', 'import ensurepip, venv']).ok) {
    stop(
      `"${python}" has no venv module. Install it (on Debian and Ubuntu: apt install python3-venv) and run this again.`,
    );
  }
  return python;
}

/** What the environment was made from; while this stays the same there is nothing to do. */
function fingerprint(kind) {
  const hash = createHash('sha256').update(kind);
  for (const file of [requirements, torchRequirements]) hash.update(readFileSync(file));
  return hash.digest('hex');
}

function stampedFingerprint() {
  try {
    return JSON.parse(readFileSync(stampFile, 'utf8')).fingerprint;
  } catch {
    return undefined; // no environment yet, or one whose set-up was cut short
  }
}

function announce(kind) {
  const { download, disk } = sizes[kind];
  console.log(
    `Setting up the bench's Python peers (torch, torchdiffeq, jax, diffrax) in ${relative(process.cwd(), venv) || venv}:`,
  );
  console.log(
    `about ${download} GB to download and ${disk} GB on disk. Ctrl-C stops it; deleting that folder undoes it.`,
  );
  if (kind === 'lean')
    console.log(
      'The CUDA libraries that torch asks for are left out (4 GB); --full installs them too.',
    );
  const { bavail, bsize } = statfsSync(join(here, '..'));
  const free = (bavail * bsize) / 1e9;
  if (free < disk) stop(`Only ${free.toFixed(1)} GB are free there; ${disk} GB are needed.`);
}

function install(kind) {
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check'];
  const failure =
    'pip could not install the peers; its message is above. The bench runs without them and says they are missing.';
  if (kind !== 'lean') {
    run(venvPython, [...pip, '-r', requirements], failure);
    return;
  }
  const others = readFileSync(requirements, 'utf8')
    .split('\n')
    .filter((line) => line && !/^(#|torch)/.test(line));
  run(venvPython, [...pip, ...others], failure);
  // Last, because every later pip call would complain of what is missing here.
  run(venvPython, [...pip, '--no-deps', '-r', torchRequirements], failure);
  linkStandIns();
}

function linkStandIns() {
  const purelib = capture(venvPython, [
    '-c',
    'import sysconfig; print(sysconfig.get_path("purelib"))',
  ]).out;
  const lib = join(purelib, 'torch', 'lib');
  if (!existsSync(join(lib, 'libtorch_cuda.so'))) return; // an index gave a CPU-only wheel: nothing is missing
  for (const name of leftOut) symlinkSync('libtorch_global_deps.so', join(lib, name));
}

function main() {
  const { full, python: givenPython } = options();
  const kind = full ? 'full' : process.platform === 'linux' ? 'lean' : 'plain';
  if (stampedFingerprint() === fingerprint(kind)) {
    const found = capture(venvPython, ['-c', check]);
    if (found.ok) {
      console.log(`The bench's Python peers are in place: ${found.out}`);
      return;
    }
    console.log(
      "The bench's Python peers were set up, but do not run any more; setting them up anew.",
    );
  }
  const python = findPython(givenPython);
  announce(kind);
  rmSync(venv, { recursive: true, force: true });
  run(python, ['-m', 'venv', venv], `"${python} -m venv" failed; its message is above.`);
  writeFileSync(join(venv, '.gitignore'), '*\n');
  install(kind);
  const found = capture(venvPython, ['-c', check]);
  if (!found.ok) {
    const remedy =
      kind === 'lean'
        ? '\nTry again with --full, which installs torch with everything it asks for.'
        : '';
    stop(`Installed, but the peers do not run:\n${found.error}${remedy}`);
  }
  writeFileSync(
    stampFile,
    `${JSON.stringify({ fingerprint: fingerprint(kind), kind, versions: JSON.parse(found.out) }, null, 2)}\n`,
  );
  console.log(`The bench's Python peers are ready: ${found.out}`);
}

main();

/**
 * Chromium without a window, looking at one page of a local server, and what that page reports. It takes no driver: the
 * page loads the built packages as modules, and posts its result back.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../../', import.meta.url));
const places = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where this machine has Chromium, if it does. */
export const chromium = places.find((place) => place !== undefined && existsSync(place));

const names = ['tensor', 'autodiff', 'solvers', 'adjoint', 'backend-simd'];
const imports = {
  ...Object.fromEntries(names.map((name) => [`@neuralode/${name}`, `/${name}/dist/index.js`])),
  'pure-rand/': '/tensor/node_modules/pure-rand/lib/esm/',
};

/** The module that a path names, with or without the ending of its file. */
function moduleAt(path: string): string | undefined {
  return [path, `${path}.js`]
    .map((each) => join(packages, each))
    .find((file) => file.endsWith('.js') && existsSync(file));
}

function pageOf(script: string): string {
  const map = JSON.stringify({ imports });
  return `<!doctype html><script type="importmap">${map}</script><script type="module">
    const report = (body) => fetch('/result', { method: 'POST', body: JSON.stringify(body) });
    try {
      await report(await (async () => { ${script} })());
    } catch (error) {
      await report({ error: String(error?.stack ?? error) });
    }
  </script>`;
}

/** Headers that isolate a page from other origins, which is what gives it shared memory. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

function answer(
  page: string,
  isolated: boolean,
  report: (text: string) => void,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const headers = isolated ? isolation : {};
  return async (request, response) => {
    const path = normalize(decodeURIComponent((request.url ?? '/').split('?')[0]));
    if (request.method === 'POST') {
      report(await textOf(request));
      response.writeHead(204).end();
    } else if (path === '/') {
      response.writeHead(200, { ...headers, 'Content-Type': 'text/html' }).end(page);
    } else {
      const module = moduleAt(path);
      if (module === undefined) response.writeHead(404).end();
      else {
        const type = { 'Content-Type': 'text/javascript' };
        response.writeHead(200, { ...headers, ...type }).end(readFileSync(module));
      }
    }
  };
}

/** What the body of an async function gives, run in a page of Chromium as a module's code. */
export async function inPage<Result>(script: string, isolated: boolean): Promise<Result> {
  const profile = mkdtempSync(join(tmpdir(), 'neuralode-chromium-'));
  let report: (text: string) => void = () => {};
  const reported = new Promise<string>((resolve) => {
    report = resolve;
  });
  const server = createServer(answer(pageOf(script), isolated, report));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const browser = spawn(
    chromium as string,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'],
      ...['--no-first-run', `--user-data-dir=${profile}`, `http://127.0.0.1:${port}/`],
    ],
    // a group of its own: what is called chromium is often a script that starts it
    { stdio: 'ignore', detached: true },
  );
  const ended = new Promise<never>((_, reject) => {
    browser.once('error', reject);
    browser.once('exit', (code) => reject(new Error(`Chromium ended with code ${code}`)));
  });
  // its end is expected once the page has reported
  ended.catch(() => {});
  try {
    return JSON.parse(await Promise.race([reported, ended])) as Result;
  } finally {
    const gone = new Promise((resolve) => browser.once('exit', resolve));
    if (browser.exitCode === null && browser.pid !== undefined) {
      process.kill(-browser.pid);
      await gone;
    }
    server.closeAllConnections();
    server.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

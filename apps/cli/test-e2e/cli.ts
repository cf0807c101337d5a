/** Runs the built command line as a person would, in a folder of its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const entry = fileURLToPath(new URL('../dist/main.js', import.meta.url));

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder to stand in. */
export class Place {
  readonly folder = mkdtempSync(join(tmpdir(), 'neuralode-e2e-'));

  /** Runs a command to its end. */
  run(...args: string[]): Promise<Result> {
    return this.#run(args, {});
  }

  /** Runs a command that is sent a signal once it has gone through so many iterations. */
  runUntil(iterations: number, signal: NodeJS.Signals, ...args: string[]): Promise<Result> {
    return this.#run(args, {
      NODE_OPTIONS: `--import ${new URL('signal-itself.mjs', import.meta.url)}`,
      SIGNAL_ITSELF: `${signal} ${iterations}`,
    });
  }

  #run(args: string[], added: NodeJS.ProcessEnv): Promise<Result> {
    const { npm_lifecycle_event: _, ...env } = { ...process.env, ...added };
    const child = spawn(process.execPath, [entry, ...args], { cwd: this.folder, env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => {
      stdout += data;
    });
    child.stderr.on('data', (data) => {
      stderr += data;
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, stdout, stderr }));
    });
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  has(...names: string[]): boolean {
    return existsSync(this.path(...names));
  }

  write(name: string, content: string | Uint8Array): void {
    writeFileSync(this.path(name), content);
  }

  read(...names: string[]): string {
    return readFileSync(this.path(...names), 'utf8');
  }

  bytes(...names: string[]): Uint8Array {
    return readFileSync(this.path(...names));
  }

  json(...names: string[]): Record<string, unknown> {
    return JSON.parse(this.read(...names)) as Record<string, unknown>;
  }

  /** The lines of a run's metrics, in order. */
  metrics(run: string): { iteration: number; nfe: { forward: number; backward: number } }[] {
    const lines = this.read(run, 'metrics.jsonl').trim().split('\n');
    return lines.map((line) => JSON.parse(line));
  }

  /** The iterations of a run's metrics, in order. */
  iterations(run: string): number[] {
    return this.metrics(run).map(({ iteration }) => iteration);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

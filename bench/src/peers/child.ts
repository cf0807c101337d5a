/** Runs a program that prints rows of results as JSON, and goes on without them where it fails. */
import { spawn } from 'node:child_process';

/** The rows that `program` prints; or none, with a sentence on stderr that calls it by `name`. */
export async function rowsPrinted<Row>(
  name: string,
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Row[]> {
  process.stderr.write(`${name}: running…\n`);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(
    (resolve, reject) => {
      child.once('error', reject).once('close', (...how) => resolve(how));
    },
  );
  if (code !== 0) {
    const how = signal === null ? `it ended with exit code ${code}` : `${signal} stopped it`;
    process.stderr.write(`${name}: not measured, for ${how}\n`);
    return [];
  }
  return JSON.parse(output) as Row[];
}

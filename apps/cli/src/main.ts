#!/usr/bin/env node
/** The entry: reads the command line, runs the command, tells what went wrong. */
import { runCnf } from './cnf/cnf-command.ts';
import { runCommandLine } from './command-line.ts';
import { withCommand } from './default-command.ts';
import { describeFailure } from './failure.ts';
import { runFit } from './fit/fit-command.ts';
import { runMnist } from './mnist/mnist-command.ts';
import { runPaper } from './paper/paper-command.ts';
import { runSpirals } from './spirals/spirals-command.ts';
import type { Terminal } from './terminal.ts';

const terminal: Terminal = { stdout: process.stdout, stderr: process.stderr };

try {
  const args = await withCommand(process.argv.slice(2));
  const handlers = {
    fit: runFit(terminal),
    spirals: runSpirals(terminal),
    cnf: runCnf(terminal),
    mnist: runMnist(terminal),
    paper: runPaper(terminal),
  };
  process.exitCode = await runCommandLine(args, handlers, terminal);
} catch (error) {
  const { text, exitCode } = describeFailure(error);
  terminal.stderr.write(text);
  process.exitCode = exitCode;
}

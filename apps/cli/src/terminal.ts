/** Where a command writes: results to stdout, everything else to stderr. */
export interface Terminal {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** How the person called this program, for commands that they may type next. */
export function invocation(): string {
  return process.env.npm_lifecycle_event === 'start' ? 'npm start --' : 'neuralode';
}

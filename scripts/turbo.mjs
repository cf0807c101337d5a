// turbo with the environment the other scripts give it, for the plain scripts in package.json
import { turbo } from './setup.mjs';

process.exitCode = turbo(process.argv.slice(2), { show: true }).status ?? 1;

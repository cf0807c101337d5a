/**
 * Measures training steps of the ODE-Net by neuralode on one backend with one gradient, in a process of its own: each
 * backend keeps what memory it once had.
 *
 *     node measure.js PROBLEM.json BACKEND GRADIENT THREADS
 */
import { readFileSync } from 'node:fs';
import { nodeGpu } from '@neuralode/backend-node-gpu';
import { simd } from '@neuralode/backend-simd';
import { wasm } from '@neuralode/backend-wasm';
import { odenet, rknet } from '@neuralode/odenet';
import type { SolveStats } from '@neuralode/solvers';
import { type Backend, setBackend } from '@neuralode/tensor';
import { fusedMultiplyAddName, turnOnMultiplyAdd } from '../floor/multiply-add.ts';
import { evaluationCounter, figuresOf, type Gradient } from '../training/measure.ts';
import type { ResultWithNorm } from '../training/result.ts';
import { channels, classes, type OdenetProblem } from './problem.ts';
import { type ConvolutionRates, measureParts, type Parts } from './shares.ts';
import { trainingSteps } from './training.ts';

/** One row of bench/results/odenet.json, before the floor is known. */
export interface OdenetResult extends ResultWithNorm {
  readonly threads: number;
  /** Of the fused runtime: milliseconds by part, and operations a second of the convolutions. */
  readonly parts?: Parts;
  readonly rates?: ConvolutionRates;
}

/** By the names that the results have; fused multiply-add has to be turned on before the backend is made. */
const backends: Readonly<Record<string, (threads: number) => Backend | Promise<Backend>>> = {
  simd: (threads) => simd({ threads }),
  [fusedMultiplyAddName]: (threads) => {
    if (!turnOnMultiplyAdd()) throw new Error('the engine has no fused multiply-add');
    return simd({ threads });
  },
  wasm: () => wasm(),
  'node-gpu': () => nodeGpu(),
};

const networks = { direct: rknet, backsolve: odenet };

async function measure(
  problem: OdenetProblem,
  backend: string,
  gradient: Gradient,
  threads: number,
): Promise<OdenetResult> {
  await setBackend(await backends[backend](threads));
  const { tolerance, warmup, iterations } = problem;
  const { nfe, onSolve: count } = evaluationCounter();
  const steps = { forward: 0, backward: 0 };
  const onSolve = (stats: SolveStats): void => {
    count(stats);
    steps[stats.pass] += stats.accepted + stats.rejected;
  };
  const block = { rtol: tolerance, atol: tolerance, onSolve };
  const network = networks[gradient]({ channels, classes, block });
  const results = await trainingSteps(network, problem, warmup + iterations, (step) => {
    if (step === warmup) nfe.forward = nfe.backward = steps.forward = steps.backward = 0;
  });
  const counts = {
    nfeForward: nfe.forward / iterations,
    nfeBackward: nfe.backward / iterations,
    stepsForward: steps.forward / iterations,
    stepsBackward: steps.backward / iterations,
  };
  const milliseconds = results.map((step) => step.milliseconds);
  const losses = results.map(({ loss }) => loss);
  return {
    system: 'neuralode',
    backend,
    threads,
    gradient,
    ...figuresOf(problem, milliseconds, losses, nfe),
    initialGradientNorm: results[0].gradientNorm,
    ...(backend.startsWith('simd') ? await measureParts(problem, gradient, counts) : {}),
  };
}

const [file, backend, gradient, threads] = process.argv.slice(2) as [
  string,
  string,
  Gradient,
  string,
];
try {
  const problem = JSON.parse(readFileSync(file, 'utf8')) as OdenetProblem;
  const row = await measure(problem, backend, gradient, Number(threads));
  process.stdout.write(JSON.stringify([row]));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

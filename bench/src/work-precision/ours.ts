/** The work-precision bench with our methods: explicit ones on plain numbers, stiff ones on tensors. */
import { jit } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  type AdaptiveSolver,
  bdf,
  bosh3,
  type ControllerGains,
  dop853,
  dopri5,
  elementary,
  kvaerno5,
  odeint,
  radau5,
  rodas4,
  solveIvp,
  tsit5,
  vern7,
} from '@neuralode/solvers';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { numberField, tensorField } from '@neuralode/test-problems';
import { bestTime, errorOf, type Row, type Task } from './tasks.ts';

interface Method {
  readonly name: string;
  readonly solver: AdaptiveSolver;
  readonly controller?: ControllerGains;
  /** The finest tolerance that its order is good for. */
  readonly finest?: number;
}

const explicitMethods: readonly Method[] = [
  { name: 'dopri5', solver: dopri5() },
  // the control of scipy, torchdiffeq and diffrax
  { name: 'dopri5 elementary', solver: dopri5(), controller: elementary() },
  { name: 'tsit5', solver: tsit5() },
  { name: 'vern7', solver: vern7() },
  { name: 'dop853', solver: dop853() },
  { name: 'bosh3', solver: bosh3(), finest: 1e-7 },
];
const implicitMethods: readonly Method[] = [
  { name: 'radau5', solver: radau5() },
  { name: 'kvaerno5', solver: kvaerno5() },
  { name: 'rodas4', solver: rodas4(), finest: 1e-6 },
  { name: 'bdf', solver: bdf() },
];

interface Solved {
  readonly y: ArrayLike<number>;
  readonly nfe: number;
}

function optionsOf({ solver, controller }: Method, { problem }: Task, rtol: number) {
  return { solver, rtol, atol: rtol * problem.smallness, ...(controller && { controller }) };
}

function onNumbers(task: Task, method: Method, rtol: number): () => Solved {
  const { problem, end } = task;
  const field = numberField(problem);
  const options = optionsOf(method, task, rtol);
  return () => {
    const { ys, stats } = solveIvp(field, [...problem.y0], [problem.times[0], end], options);
    return { y: ys[1], nfe: stats.nfe };
  };
}

/** Recorded beforehand: a model would solve many times too. */
function onTensors(task: Task, method: Method, rtol: number): () => Solved {
  const { problem, end } = task;
  let nfe = 0;
  const options = {
    ...optionsOf(method, task, rtol),
    onSolve: (stats: { nfe: number }): void => {
      nfe = stats.nfe;
    },
  };
  const field = tensorField(problem);
  const times = [problem.times[0], end];
  const run = jit((y0: Tensor): Tensor => odeint(field, y0, times, options).ys.at(-1));
  const y0 = tensor([...problem.y0]);
  return () => ({ y: run.sync(y0).dataSync(), nfe });
}

/** All rows of our methods. */
export async function solveAll(tasks: readonly Task[]): Promise<Row[]> {
  await setBackend(reference());
  return tasks.flatMap((task) => {
    process.stderr.write(`neuralode, ${task.problem.name}: running…\n`);
    return (task.stiff ? implicitMethods : explicitMethods).flatMap((method) =>
      task.tolerances
        .filter((rtol) => rtol >= (method.finest ?? 0))
        .map((rtol) => {
          const solve = (task.stiff ? onTensors : onNumbers)(task, method, rtol);
          const { milliseconds, result } = bestTime(solve);
          return {
            system: 'neuralode',
            method: method.name,
            problem: task.problem.name,
            rtol,
            error: errorOf(task, result.y),
            nfe: result.nfe,
            milliseconds,
          };
        }),
    );
  });
}

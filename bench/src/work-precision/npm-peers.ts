/** The work-precision bench with the solvers of npm. */
import { numberField } from '@neuralode/test-problems';
import { solveWithDopri, solveWithOdex } from '../peers/npm.ts';
import { bestTime, errorOf, type Row, type Task } from './tasks.ts';

const systems = { odex: solveWithOdex, dopri: solveWithDopri };
const methods = { odex: 'GBS', dopri: 'dopri5' };

export function solveWithNpm(tasks: readonly Task[]): Row[] {
  return tasks
    .filter((task) => !task.stiff)
    .flatMap((task) => {
      const { problem, end } = task;
      const field = numberField(problem);
      const rows = (['odex', 'dopri'] as const).flatMap((system) =>
        task.tolerances.map((rtol) => {
          const atol = rtol * problem.smallness;
          const span = [problem.times[0], end] as const;
          const given = { field, y0: problem.y0, span, rtol, atol };
          const { milliseconds, result } = bestTime(() => systems[system](given));
          const error = errorOf(task, result.y);
          const method = methods[system];
          return {
            system,
            method,
            problem: problem.name,
            rtol,
            error,
            nfe: result.nfe,
            milliseconds,
          };
        }),
      );
      return rows;
    });
}

/**
 * `reversible()`: the gradient of the discrete solution, at a memory that does not grow with the steps, by undoing the
 * steps of a reversible method on the way back (Zhuang, Dvornek, Tatikonda, Duncan 2021, "MALI", Algorithm 4; Kidger,
 * Foster, Li, Lyons 2021, Algorithm 2).
 *
 * Undoing is exact but for rounding. So the gradient is that of `direct()` to rounding, unless rounding grows: where the
 * field contracts strongly, undoing a step expands, and over long times the states are lost.
 */
import {
  countObserved,
  type GradientMethod,
  type OdeSolveAttrs,
  type ReversibleGradientMethod,
  runOdeSolve,
  solveInputs,
} from '@neuralode/solvers';
import { ArgumentError } from '@neuralode/tensor';
import { walkBack } from './direct-run.ts';
import { recordedMethod } from './recorded-method.ts';
import { forwardHalves, withoutErrors } from './split-solve.ts';
import { Course, UndoneSteps } from './undone-steps.ts';

function requireReversible({ method }: OdeSolveAttrs): void {
  if (method.reversible) return;
  throw new ArgumentError({
    what: `reversible: the steps of ${method.name} cannot be undone`,
    remedy: 'Solve with reversibleHeun(), alf() or leapfrog(); or pass checkpointed() as gradient',
  });
}

const recorded = recordedMethod({
  name: 'reversible',
  graphs: withoutErrors,
  *record(inputs, attrs, backend) {
    const course = new Course();
    try {
      return [...(yield* runOdeSolve(inputs, attrs, backend, undefined, course)), course];
    } catch (error) {
      course.release();
      throw error;
    }
  },
  *walk(inputs, attrs, backend) {
    const { loop, needs, halves } = attrs;
    const own = withoutErrors(loop);
    const course = inputs[0] as Course;
    const steps = new UndoneSteps(
      {
        attrs: loop,
        inputs: solveInputs(inputs.slice(1, 1 + needs.length), loop),
        course,
        observations: course.events.reduce((total, event) => total + countObserved(event), 0),
        taped: forwardHalves(halves, own),
      },
      backend,
    );
    try {
      return yield* walkBack(inputs, attrs, backend, steps);
    } finally {
      steps.release();
    }
  },
  batched() {
    throw new ArgumentError({
      what: 'reversible: a batched solve takes explicit Runge-Kutta methods, whose steps cannot be undone',
      remedy: 'Use checkpointed() or backsolve(); or leave batched out, for common steps',
    });
  },
});

const vjp: GradientMethod['vjp'] = (inputs, attrs, needs, modes) => {
  requireReversible(attrs);
  return recorded.vjp(inputs, attrs, needs, modes);
};

const method: ReversibleGradientMethod = { name: 'reversible', requires: 'reversible', vjp };

/**
 * Backpropagation through the steps of a reversible method (`reversibleHeun`, `alf`, `leapfrog`, `symplecticEuler`), each
 * undone on the way back: the gradient of `direct()` to rounding, in the memory of one step and of one state for every
 * time at which the state jumps. Three evaluations of the field a step: to undo it, to repeat it, and its reverse mode.
 */
export function reversible(): ReversibleGradientMethod {
  return method;
}

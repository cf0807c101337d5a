/**
 * The pace of a solve (pace.ts) as code for a compiling backend: the same numbers, decided by the program itself.
 *
 * One of the two could be had from the other, with arithmetic that acts at once; but then each step of solveIvp would
 * make some fifty calls where it now makes plain additions. So they stand side by side, and a test holds them together.
 */
import type { Lowering, Num, Test, Variable } from '@neuralode/tensor';
import type { AdaptiveControl, FixedControl, StepController } from './control.ts';
import { rounding, stretch } from './pace.ts';

export interface LoweredStride {
  readonly next: Num;
  readonly h: Num;
  /** Whether it is shorter than its error alone would have made it. */
  readonly cut: Test;
}

/** Where a solve goes. */
export interface Course {
  readonly from: Num;
  readonly end: Num;
  readonly direction: Num;
}

export interface LoweredPace {
  begin(t: Num): void;
  stride(t: Num, landing: Num): LoweredStride;
}

/** `smallestStep` of pace.ts. */
function smallestStep({ numbers: n }: Lowering, t: Num, span: Num): Num {
  return n.mul(16 * Number.EPSILON, n.max(n.abs(t), n.mul(Number.EPSILON, span)));
}

/** `FixedPace` of pace.ts. */
export function loweredFixedPace(
  code: Lowering,
  { stepSize }: FixedControl,
  { from, end, direction }: Course,
): LoweredPace {
  const n = code.numbers;
  const signedStep = n.mul(stepSize, direction);
  const span = n.abs(n.sub(end, from));
  const sliver = n.max(rounding * stepSize, smallestStep(code, end, span));
  const origin = code.variable(from);
  const taken = code.variable(0);
  return {
    begin(t) {
      origin.set(t);
      taken.set(0);
    },
    stride(t, landing) {
      taken.set(n.add(taken.get(), 1));
      const planned = n.add(origin.get(), n.mul(taken.get(), signedStep));
      const left = n.mul(n.sub(landing, planned), direction);
      const next = n.choose(n.lessEqual(left, sliver), landing, planned);
      return { next, h: n.sub(next, t), cut: n.less(1, 0) };
    },
  };
}

/** `AdaptivePace` of pace.ts. */
export class LoweredAdaptivePace implements LoweredPace {
  readonly #code: Lowering;
  readonly #control: AdaptiveControl;
  readonly #direction: Num;
  readonly #span: Num;
  readonly limit: Num;
  readonly size: Variable;
  readonly #previousError: Variable;
  readonly #olderError: Variable;
  readonly #accepted: readonly [Variable, Variable];
  readonly #afterRejection: Variable;

  constructor(code: Lowering, control: AdaptiveControl, { from, end, direction }: Course) {
    const n = code.numbers;
    this.#code = code;
    this.#control = control;
    this.#direction = direction;
    this.#span = n.abs(n.sub(end, from));
    this.limit = control.maxStep === undefined ? this.#span : n.min(control.maxStep, this.#span);
    this.size = code.variable(control.firstStep ?? this.limit);
    this.#previousError = code.variable(1);
    this.#olderError = code.variable(1);
    this.#accepted = [code.variable(0), code.variable(0)];
    this.#afterRejection = code.variable(0);
  }

  begin(): void {}

  stride(t: Num, landing: Num): LoweredStride {
    const n = this.#code.numbers;
    const size = this.size.get();
    const left = n.abs(n.sub(landing, t));
    const cut = n.less(n.min(this.limit, left), n.mul(size, 1 - rounding));
    const planned = n.max(n.min(size, this.limit), this.#control.minStep ?? 0);
    const longest = n.min(n.mul(size, stretch), n.mul(this.limit, 1 + rounding));
    const sliver = n.less(n.sub(left, planned), smallestStep(this.#code, landing, this.#span));
    const reaches = n.either(n.lessEqual(left, longest), sliver);
    const length = n.max(planned, smallestStep(this.#code, t, this.#span));
    const next = n.choose(reaches, landing, n.add(t, n.mul(length, this.#direction)));
    return { next, h: n.sub(next, t), cut };
  }

  /** Plans the next step after one with this scaled error, and runs what belongs to its fate. */
  judge({ h, cut }: LoweredStride, error: Num, stands: () => void, rejected: () => void): void {
    const code = this.#code;
    const n = code.numbers;
    const tried = n.abs(h);
    code.when(
      n.lessEqual(error, 1),
      () => {
        const factor = this.#factor(error, tried);
        const bounded = n.choose(n.equal(this.#afterRejection.get(), 1), n.min(1, factor), factor);
        const size = n.mul(tried, bounded);
        this.size.set(n.choose(cut, n.max(size, this.size.get()), size));
        this.#olderError.set(this.#previousError.get());
        this.#previousError.set(n.max(error, 1e-4));
        const [previous, older] = this.#accepted;
        older.set(previous.get());
        previous.set(tried);
        this.#afterRejection.set(0);
        stands();
      },
      () => {
        this.#reject(tried, error);
        rejected();
      },
    );
  }

  #reject(tried: Num, error: Num): void {
    const n = this.#code.numbers;
    const { controller, minStep = 0 } = this.#control;
    const plain = this.#bounded(n.mul(controller.safety, n.pow(error, -controller.alpha)));
    const factor = n.choose(n.isFinite(error), n.min(1, plain), controller.minFactor);
    const size = n.mul(tried, factor);
    const longer = n.less(minStep * (1 + rounding), tried);
    this.size.set(n.choose(longer, n.max(size, minStep), size));
    this.#afterRejection.set(1);
  }

  /** `stepFactor` of control.ts, for a step that stands. */
  #factor(error: Num, tried: Num): Num {
    const n = this.#code.numbers;
    const {
      alpha,
      beta,
      gamma = 0,
      ratios = [],
      predictive,
      safety,
      maxFactor,
    } = this.#control.controller as StepController;
    const [previous, older] = this.#accepted.map((each) => each.get());
    const values = [this.#ratio(tried, previous), this.#ratio(previous, older)];
    let exponent = n.mul(-alpha, n.log(error));
    const add = (power: number, log: Num): void => {
      exponent = n.add(exponent, n.mul(power, log));
    };
    if (beta !== 0) add(beta, n.log(this.#previousError.get()));
    if (gamma !== 0) add(-gamma, n.log(this.#olderError.get()));
    ratios.forEach((power, i) => {
      add(-power, n.log(values[i]));
    });
    let factor = n.mul(safety, n.exp(exponent));
    if (predictive === true) {
      const trend = n.div(n.max(this.#previousError.get(), 1e-2), n.pow(error, 2));
      const expected = n.mul(n.mul(safety, values[0]), n.pow(trend, alpha));
      factor = n.min(factor, expected);
    }
    return n.choose(n.equal(error, 0), maxFactor, this.#bounded(factor));
  }

  #ratio(a: Num, b: Num): Num {
    const n = this.#code.numbers;
    return n.choose(n.less(0, b), n.div(a, b), 1);
  }

  #bounded(factor: Num): Num {
    const n = this.#code.numbers;
    const { minFactor, maxFactor } = this.#control.controller;
    return n.min(maxFactor, n.max(minFactor, factor));
  }

  vanished(t: Num): Test {
    const n = this.#code.numbers;
    const { minStep = 0 } = this.#control;
    const smallest = smallestStep(this.#code, t, this.#span);
    return n.less(this.size.get(), n.max(smallest, minStep * (1 - rounding)));
  }
}

/** `trialStep` of pace.ts. */
export function loweredTrialStep(
  { numbers: n }: Lowering,
  stateNorm: Num,
  fieldNorm: Num,
  limit: Num,
): Num {
  const small = n.either(n.less(stateNorm, 1e-5), n.less(fieldNorm, 1e-5));
  const rough = n.choose(small, 1e-6, n.div(n.mul(0.01, stateNorm), fieldNorm));
  const sound = n.both(n.isFinite(rough), n.less(0, rough));
  return n.min(n.choose(sound, rough, 1e-6), limit);
}

/** `firstStep` of pace.ts. */
export function loweredFirstStep(
  { numbers: n }: Lowering,
  trial: Num,
  fieldNorm: Num,
  bendNorm: Num,
  errorOrder: number,
): Num {
  const largest = n.max(fieldNorm, bendNorm);
  const fine = n.choose(
    n.less(1e-15, largest),
    n.pow(n.div(0.01, largest), 1 / (errorOrder + 1)),
    n.max(1e-6, n.mul(trial, 1e-3)),
  );
  return n.choose(n.isFinite(largest), n.min(n.mul(100, trial), fine), trial);
}

/**
 * What is particular to `interpolated()`: the quadrature beside the solve, states that jump, its cost and its failures.
 */
import { grad } from '@neuralode/autodiff';
import { reference } from '@neuralode/backend-reference';
import {
  adams,
  adamsBashforth,
  alf,
  auto,
  bdf,
  controlOf,
  coupled,
  dop853,
  dopri5,
  gaussLegendre4,
  type GradientMethod,
  kvaerno5,
  methodOf,
  odeint,
  type OdeintOptions,
  odeSolve,
  type OdeSolveAttrs,
  radau5,
  reversibleHeun,
  rodas4,
  SolveError,
  type SolveStats,
  vern7,
} from '@neuralode/solvers';
import {
  apply,
  evaluate,
  memory,
  record,
  setBackend,
  stack,
  type Tensor,
  tensor,
} from '@neuralode/tensor';
import { beforeEach, describe, expect, it } from 'vitest';
import { direct, interpolated } from '../src/index.ts';
import { centralGradient, pack, relativeError } from './numeric.ts';

beforeEach(async () => {
  await setBackend(reference());
});

const tight = { rtol: 1e-10, atol: 1e-10 };

describe('the quadrature of the parameters', () => {
  // Here the adjoint is constant and would be solved in one step: only the forward solve knows how fast things change.
  it('is as fine as the forward solve where the adjoint stands still', () => {
    const final = (w: Tensor): Tensor =>
      odeint((t, y, a: Tensor) => t.mul(a).cos().add(y.mul(0)), tensor(0), [0, 1], {
        ...tight,
        args: w,
        gradient: interpolated(),
      }).ys.at(-1);
    // y(1) = sin(w)/w
    const w = 40;
    const exact = (w * Math.cos(w) - Math.sin(w)) / w ** 2;
    expect(grad(final).sync(tensor(w)).itemSync()).toBeCloseTo(exact, 9);
  });

  it.each([
    ['dopri5', dopri5(), 3],
    ['dop853', dop853(), 4],
    ['radau5', radau5(), 3],
  ] as const)(
    '%s evaluates it at Gauss nodes of pieces of accepted steps only',
    (_, solver, nodes) => {
      const passes = (wanted: boolean): SolveStats[] => {
        const seen: SolveStats[] = [];
        const onSolve = (stats: SolveStats): void => void seen.push(stats);
        const loss = ({ y0, w }: { y0: Tensor; w: Tensor }): Tensor =>
          odeint((_t, y, a: Tensor) => y.mul(a).sin(), y0, [0, 2], {
            solver,
            args: wanted ? w : w.stopGradient(),
            gradient: interpolated(),
            onSolve,
          }).ys.sum();
        const y0 = tensor([1, 2]);
        if (wanted) grad(loss).sync({ y0, w: tensor(1.3) });
        else grad((start: Tensor) => loss({ y0: start, w: tensor(1.3) })).sync(y0);
        return seen;
      };
      const [forward, backward] = passes(true);
      const [, alone] = passes(false);
      // A piece for every end of a step of either solve.
      const pieces = forward.accepted + backward.accepted - 1;
      expect(backward.accepted).toBe(alone.accepted);
      // DOP853's interpolant takes three stages more a step.
      const further = solver.tableau.denseStages === undefined ? 0 : 3 * backward.accepted;
      expect(backward.nfe).toBe(alone.nfe + further + nodes * pieces);
    },
  );
});

describe('a state that jumps', () => {
  const scalar = { shape: [], dtype: 'float64' } as const;
  const vector = { shape: [2], dtype: 'float64' } as const;
  const { graph: body } = record([scalar, vector, scalar, scalar], (t, y, b, a) => [
    y.mul(a).sin().add(t.mul(b)),
    b.mul(a).mul(y.sum()).cos(),
  ]);

  it.each([dopri5(), radau5(), rodas4()])(
    '$tableau.name: by the jumps, y0, args and times',
    (solver) => {
      const gradients = (gradient: GradientMethod): number[] => {
        const attrs: OdeSolveAttrs = {
          body,
          leaves: 2,
          jumps: [{ keep: true }, { keep: false }],
          steered: [true, true],
          method: methodOf(solver),
          control: controlOf(solver, tight),
          pass: 'forward',
          gradient,
        };
        const loss = (inputs: Tensor[]): Tensor => {
          const [ys, bs] = apply(odeSolve, inputs, attrs);
          return ys
            .square()
            .sum()
            .add(
              bs
                .mul(bs)
                .mul(tensor([1, 2, 3, 4]))
                .sum(),
            );
        };
        const jumps = [
          tensor([
            [0.5, -1],
            [2, 0.3],
          ]),
          tensor([0.7, -0.4]),
        ];
        const y0 = [tensor([0.3, 0.9]), tensor(0.2)];
        return pack(grad(loss).sync([tensor([0, 0.4, 1.1, 1.7]), ...y0, ...jumps, tensor(1.2)]));
      };
      expect(relativeError(gradients(interpolated()), gradients(direct()))).toBeLessThan(1e-7);
    },
  );
});

describe('failures', () => {
  it('of the backward solve are called that, with the time and a remedy, and leave nothing behind', () => {
    const backend = memory();
    const loss = (y0: Tensor): Tensor =>
      odeint((t, y) => y.mul(t.mul(30)).sin(), y0, [0, 1, 2], {
        solver: dopri5(),
        rtol: 1e-3,
        gradient: interpolated({ rtol: 1e-13, atol: 1e-300 }),
        maxSteps: 60,
      }).ys.sum();
    let error: unknown;
    try {
      grad(loss).sync(tensor(1));
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(SolveError);
    const { pass, status, time, message } = error as SolveError;
    expect({ pass, status }).toEqual({ pass: 'backward', status: 'max-steps-reached' });
    expect(time).toBeGreaterThan(0);
    expect(message).toMatch(
      /odeint, backward solve of the gradient: 60 steps .* on the way to t = 0.*Raise maxSteps/,
    );
    expect(memory().liveBuffers - backend.liveBuffers).toBeLessThanOrEqual(1);
  });

  it('a gradient that is not finite is no gradient', () => {
    const loss = (w: Tensor): Tensor =>
      odeint((_t, y, a: Tensor) => y.add(a.abs().sqrt().mul(1e-3)), stack([tensor(1)]), [0, 1], {
        args: w,
        gradient: interpolated(),
      }).ys.sum();
    // The square root has no derivative at 0.
    expect(() => grad(loss).sync(tensor(0))).toThrow(
      /backward solve of the gradient: the parameters' gradient is not finite at t = 0/,
    );
  });

  it('refuses what it does not do in one sentence', () => {
    const batched = (y0: Tensor): Tensor =>
      odeint((_t, y) => y.neg(), y0, [0, 1], { batched: true, gradient: interpolated() }).ys.sum();
    expect(() => grad(batched).sync(tensor([[1], [2]]))).toThrow(
      /interpolated: in a batched solve .* Use direct\(\), checkpointed\(\) or backsolve\(\)/,
    );
    expect(() => interpolated({ seminorm: true } as object)).toThrow(
      /interpolated: there is no option seminorm/,
    );
    const fixed = (y0: Tensor): Tensor =>
      odeint((_t, y) => y.neg(), y0, [0, 1], {
        gradient: interpolated({ stepSize: 0.1 }),
      }).ys.sum();
    expect(() => grad(fixed).sync(tensor([1]))).toThrow(
      /interpolated: dopri5 chooses its own steps/,
    );
  });
});

describe('the dense output of any method', () => {
  const loss = (options: OdeintOptions<Tensor>) => (p: Tensor) =>
    odeint(
      (_t: Tensor, y: Tensor, q: Tensor) => {
        const meet = y.at(0).mul(y.at(1));
        const prey = y
          .at(0)
          .mul(q.at(0))
          .sub(meet.mul(q.at(1)));
        return stack([prey, meet.mul(q.at(2)).sub(y.at(1).mul(q.at(3)))]);
      },
      tensor([10, 5]),
      [0, 0.4, 1],
      { ...options, args: p },
    )
      .ys.square()
      .sum();
  const rates = [1.5, 0.3, 0.2, 1];
  const tight = { rtol: 1e-8, atol: 1e-8 };
  const loose = { rtol: 1e-5, atol: 1e-5 };

  it.each<[string, OdeintOptions<Tensor>, number]>([
    ['adams', { solver: adams(), ...tight }, 1e-6],
    ['bdf', { solver: bdf(), ...tight }, 1e-6],
    ['auto', { solver: auto(), ...tight }, 1e-6],
    ['radau5', { solver: radau5(), ...tight }, 1e-6],
    ['kvaerno5', { solver: kvaerno5(), ...tight }, 1e-6],
    ['vern7', { solver: vern7(), ...tight }, 1e-6],
    ['coupled dopri5', { solver: coupled(dopri5()), ...tight }, 1e-6],
    ['gaussLegendre4', { solver: gaussLegendre4(), stepSize: 0.01 }, 1e-6],
    ['adamsBashforth(4)', { solver: adamsBashforth(4), stepSize: 0.002 }, 1e-6],
    ['alf', { solver: alf(), ...loose }, 1e-4],
    ['reversibleHeun', { solver: reversibleHeun(), ...loose }, 1e-4],
  ])('serves with %s', (_, options, within) => {
    const exact = loss({ solver: dop853(), rtol: 1e-12, atol: 1e-12 });
    const expected = centralGradient(
      (p) => evaluate.sync(() => exact(tensor(p))).itemSync(),
      rates,
    );
    const got = grad(loss({ ...options, gradient: interpolated() })).sync(tensor(rates));
    expect(relativeError([...got.dataSync()], expected)).toBeLessThan(within);
  });
});

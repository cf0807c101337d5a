/**
 * Problems with known solutions, each solved from several phases at once. The error of a single solution may change sign
 * where an order is to be measured; those of all of them do not vanish together.
 */
import { concat } from '@neuralode/tensor';
import { part, type Problem } from './problems.ts';

const phases = [0, 0.7, 1.4, 2.1, 2.8, 3.5] as const;

/** The same equation from six points of its solution. */
const logistics: Problem = {
  name: 'nonlinear (logistic)',
  field: (_, y) => y.mul(y.neg().add(1)),
  exact: (t) => phases.map((phase) => 1 / (1 + Math.exp(1.75 - phase - t))),
  interval: [-1, 1],
};

const seasons: Problem = {
  name: 'time-dependent (growth by season)',
  field: (t, y) => concat(phases.map((phase, i) => part(y, i).mul(t.add(phase).cos().mul(2)))),
  exact: (t) => phases.map((phase) => Math.exp(2 * (Math.sin(t + phase) - Math.sin(phase + 0.7)))),
  interval: [0, 0.8],
};

/** Rotations by t²/2 with damping: coupled, and time-dependent too. */
const swirls: Problem = {
  name: 'systems (damped swirls)',
  field: (t, y) => {
    const turned = phases.flatMap((phase, i) => {
      const speed = t.add(phase / 4);
      return [
        part(y, 2 * i + 1).mul(speed),
        part(y, 2 * i)
          .neg()
          .mul(speed),
      ];
    });
    return concat(turned).sub(y.mul(0.5));
  },
  exact: (t) =>
    phases.flatMap((phase) => {
      const size = Math.exp(-0.5 * t);
      const angle = (t + phase / 4) ** 2 / 2;
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
      return [size * (cos + 0.5 * sin), size * (0.5 * cos - sin)];
    }),
  interval: [0, 1],
};

export const families = [logistics, seasons, swirls] as const;

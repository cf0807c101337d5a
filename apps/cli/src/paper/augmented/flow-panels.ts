/** Learned flows as drawings: the ways of points over time, and in the plane of two coordinates of the state. */
import * as Plot from '@observablehq/plot';
import { below, plotSvg } from '../../report/svg.ts';
import { colours, type Panel, panelSize } from '../panels.ts';
import { type FlowResult, type PointPath, pathTimes } from './flow-training.ts';
import type { FlowProblem } from './problems.ts';

interface View {
  readonly title: string;
  readonly horizontal: string;
  readonly vertical: string;
  /** The drawn point of a state at one of `pathTimes`. */
  readonly at: (state: readonly number[], time: number) => { x: number; y: number };
}

const overTime = (title: string): View => ({
  title,
  horizontal: 't',
  vertical: 'h₁',
  at: (state, time) => ({ x: time, y: state[0]! }),
});

const inPlane = (title: string, second: 1 | 2): View => ({
  title,
  horizontal: 'h₁',
  vertical: second === 1 ? 'h₂' : 'h₃',
  at: (state) => ({ x: state[0]!, y: state[second]! }),
});

/** Of the first training of each network; those of augmented ones projected onto coordinates. */
export function flowPanels(problem: FlowProblem, results: readonly FlowResult[]): Panel[] {
  const plain = results.find(({ augment }) => augment === 0)!.paths;
  const augmented = results.find(({ augment }) => augment > 0)!.paths;
  if (problem.dimension === 1) {
    return [
      flowPanel(problem, plain, overTime('plain, over time')),
      flowPanel(problem, augmented, overTime('augmented, the point’s coordinate over time')),
      flowPanel(problem, augmented, inPlane('augmented, in the plane', 1)),
    ];
  }
  return [
    flowPanel(problem, plain, inPlane('plain', 1)),
    flowPanel(problem, augmented, inPlane('augmented, onto the points’ plane', 1)),
    flowPanel(problem, augmented, inPlane('augmented, with the dimension added', 2)),
  ];
}

function flowPanel({ sides }: FlowProblem, paths: readonly PointPath[], view: View): Panel {
  const colourOf = (target: number): string => colours[target < 0 ? 0 : 1];
  const points = paths.flatMap(({ states, target }, path) =>
    states.map((state, i) => ({
      ...view.at(state, pathTimes[i]!),
      path,
      colour: colourOf(target),
    })),
  );
  const channels = { x: 'x', y: 'y' } as const;
  const svg = plotSvg(
    {
      ...panelSize,
      x: below(view.horizontal),
      y: { label: view.vertical, grid: true },
      color: { type: 'identity' },
      marks: [
        Plot.line(points, {
          ...channels,
          z: 'path',
          stroke: 'colour',
          strokeWidth: 0.9,
          strokeOpacity: 0.6,
        }),
        Plot.dot(
          points.filter((_, i) => (i + 1) % pathTimes.length === 0),
          { ...channels, fill: 'colour', r: 2.2 },
        ),
      ],
    },
    { title: view.title, description: `${paths.length} paths.` },
  );
  const legend = sides.map((name, i) => ({ name, colour: colours[i]! }));
  return { title: view.title, legend, svg };
}

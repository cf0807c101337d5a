/** The report of `cnf`. */
import type { Moment } from '../cnf/cnf-pictures.ts';
import type { Score } from '../cnf/score.ts';
import { type DensityPicture, planeSvg } from './density-map.ts';
import { html, type Markup } from './html.ts';
import { figure, paragraph, renderPage, section, tiles } from './page.ts';
import { type RunFacts, runSections } from './run-sections.ts';
import type { Point } from './svg.ts';

export interface CnfReport {
  readonly title: string;
  readonly lead: string;
  /** Of the held-out points. */
  readonly score: Score;
  /** Integral of the density over the drawn square. */
  readonly mass: number;
  readonly halfWidth: number;
  readonly density: DensityPicture;
  readonly data: readonly Point[];
  readonly samples: readonly Point[];
  /** The flow at times in between. */
  readonly moments: readonly Moment[];
  readonly paths: readonly (readonly Point[])[];
  readonly facts: RunFacts;
}

export function cnfReport(report: CnfReport): string {
  return renderPage({
    title: report.title,
    lead: report.lead,
    sections: [
      figureTiles(report),
      densitySection(report),
      timeSection(report),
      ...runSections(report.facts),
    ],
  });
}

function figureTiles({ score, mass }: CnfReport): Markup {
  return tiles([
    {
      label: 'Test log-likelihood',
      value: score.mean.toFixed(3),
      note: `nats a point, ± ${score.standardError.toFixed(3)} (standard error)`,
    },
    {
      label: 'Integral of the density',
      value: mass.toFixed(4),
      note: 'over the drawn square, by quadrature',
    },
  ]);
}

function densitySection({ data, samples, density, halfWidth }: CnfReport): Markup {
  const drawings = [
    figure(
      planeSvg(
        { halfWidth, points: data },
        { title: 'Data', description: `${data.length} held-out points.` },
      ),
      'Data held out.',
    ),
    figure(
      planeSvg(
        { halfWidth, picture: density },
        { title: 'Density', description: 'The density of the flow.' },
      ),
      'Density of the flow (opacity goes with its square root).',
    ),
    figure(
      planeSvg(
        { halfWidth, points: samples },
        { title: 'Samples', description: `${samples.length} points drawn from the flow.` },
      ),
      'Samples of the flow.',
    ),
  ];
  return section('Density and samples', html`<div class="grid">${drawings}</div>`);
}

function timeSection({ moments, paths, halfWidth }: CnfReport): Markup {
  const drawings = moments.map(({ part, picture, samples }) => {
    const title = `${Math.round(100 * part)} % of the time`;
    return figure(
      planeSvg(
        { halfWidth, picture, points: samples },
        { title, description: 'Density and samples at that time.' },
      ),
      title,
    );
  });
  const ways = figure(
    planeSvg(
      { halfWidth, paths },
      { title: 'Paths', description: `${paths.length} points on their way to the data.` },
    ),
    `${paths.length} points on their way from the base to the data, where the dots are.`,
  );
  return section(
    'The flow through time',
    paragraph(
      'The Gaussian of the base, as the field reshapes it; the points are the same in all pictures.',
    ),
    html`<div class="grid">${drawings}${ways}</div>`,
  );
}

/**
 * An initial value problem as data: its equations are text, in the infix notation that JavaScript and Python share, so
 * that each is written once for every code that solves it.
 */

/** dy/dt = f(t, y), y(times[0]) = y0. */
export interface Problem {
  readonly name: string;
  /** What it describes, and where it is stated. */
  readonly source: string;
  /** Named expressions that the equations, and those after them, may use. */
  readonly where?: Readonly<Record<string, string>>;
  /** dyᵢ/dt in t, y[0], y[1], …, the names of `where`, + − * / **, cos, exp, sin and sqrt. */
  readonly equations: readonly string[];
  readonly y0: readonly number[];
  /** The start, and the times at which the solution is looked at; the last is the problem's own end. */
  readonly times: readonly number[];
  /** The absolute tolerance that goes with a relative one of 1: how small the components are that matter. */
  readonly smallness: number;
  /** The leading components at the last time as they are published: a guard against slips of the pen. */
  readonly published: readonly number[];
}

/** Writes dy/dt at (t, y) into `dy`. */
export type NumberField = (t: number, y: ArrayLike<number>, dy: Float64Array | number[]) => void;

/** The field on plain numbers, compiled. */
export function numberField({ where = {}, equations }: Problem): NumberField {
  const lines = [
    ...Object.entries(where).map(([name, expression]) => `const ${name} = ${expression};`),
    ...equations.map((expression, i) => `dy[${i}] = ${expression};`),
  ];
  const source = `const { cos, exp, sin, sqrt } = Math; return (t, y, dy) => { ${lines.join('\n')} };`;
  return new Function(source)() as NumberField;
}

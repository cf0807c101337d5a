/** The walk back over the tape of a compiled `direct()`, from the last frame to the first: that of direct-run.ts. */
import { spread } from '@neuralode/autodiff';
import { countTimes, heed, type SolveEvent, solveInputs, type Tableau } from '@neuralode/solvers';
import type {
  Block,
  Frame,
  Lowering,
  Num,
  OpaquePlace,
  Place,
  ProgramTape,
  Spec,
  Variable,
} from '@neuralode/tensor';
import type { BackAttrs } from './direct-tape.ts';
import { type Halves, kinds, type LoweredTape } from './lowered-tape.ts';

export class LoweredWalk {
  readonly #code: Lowering;
  readonly #attrs: BackAttrs;
  readonly #tape: ProgramTape;
  readonly #halves: Halves;
  readonly #observed: readonly (Block | null)[];
  readonly #count: number;
  /** The first and the last time of the solve. */
  readonly #span: readonly [Num, Num];
  readonly #tableau: Tableau;
  readonly #stageCount: number;
  readonly #state: readonly Spec[];
  readonly #args: readonly Spec[];
  readonly #scalar: Spec;
  /** Cotangents, as in direct-run.ts; zero where nothing has arrived yet. */
  readonly #y: readonly Block[];
  /** By leaf, a stack of all stages, those that only the interpolant needs behind the others. */
  readonly #stages: readonly Block[];
  readonly #before: readonly Block[];
  readonly #gradients: readonly Block[];
  /** One for each input of the node that jumps. */
  readonly #jumps: readonly Block[];
  readonly #times: Block;
  readonly #stepStart: Variable;
  readonly #stepSize: Variable;
  readonly #reached: Variable;
  readonly #evaluations: Variable;
  readonly #steps: Variable;

  constructor(code: Lowering, places: readonly Place[], attrs: BackAttrs) {
    const { loop, needs, given, wanted } = attrs;
    this.#code = code;
    this.#attrs = attrs;
    const { tape, halves } = (places[0] as OpaquePlace).content as LoweredTape;
    this.#tape = tape;
    this.#halves = halves;
    const inputs = places.slice(1, 1 + needs.length) as readonly Block[];
    this.#observed = spread(given, places.slice(1 + needs.length) as readonly Block[]);
    this.#count = countTimes(inputs, loop);
    const { times } = solveInputs(inputs, loop);
    const last = this.#count - 1;
    this.#span =
      loop.times === undefined
        ? [code.element(times as Block, 0), code.element(times as Block, last)]
        : [loop.times[0], loop.times[last]];
    [this.#scalar] = loop.body.inputs;
    this.#state = loop.body.inputs.slice(1, 1 + loop.leaves);
    this.#args = loop.body.inputs.slice(1 + loop.leaves).filter((_, i) => wanted.args[i]);
    this.#tableau = loop.method.tableau as Tableau;
    this.#stageCount = this.#tableau.c.length + (this.#tableau.denseStages?.c.length ?? 0);
    const zeros = (spec: Spec): Block => {
      const block = code.block(spec);
      code.zero(block);
      return block;
    };
    this.#y = this.#state.map(zeros);
    this.#stages = this.#state.map(({ shape, dtype }) =>
      zeros({ shape: [this.#stageCount, ...shape], dtype }),
    );
    this.#before = this.#state.map(zeros);
    this.#gradients = this.#args.map(zeros);
    this.#jumps = solveInputs(inputs, loop).jumps.map(zeros);
    this.#times = zeros({ shape: [this.#count], dtype: this.#scalar.dtype });
    const number = (): Variable => code.variable(0);
    this.#stepStart = number();
    this.#stepSize = number();
    this.#reached = number();
    this.#evaluations = number();
    this.#steps = number();
    for (const half of Object.values(halves)) half.prepareBackward();
  }

  write(outputs: readonly Block[]): void {
    const visit: Record<SolveEvent['kind'], (frame: Frame) => void> = {
      start: (frame) => this.#start(frame),
      step: (frame) => {
        this.#heed(frame);
        this.#step(frame);
        this.#tell(frame);
      },
      extend: (frame) => this.#extend(frame),
      dense: (frame) => this.#dense(frame),
      emit: (frame) => this.#emit(frame.number(0)),
      jump: (frame) => this.#jump(frame.number(0)),
    };
    this.#tape.walk(kinds.map((kind) => visit[kind]));
    this.#report();
    this.#results().forEach((block, i) => {
      this.#code.copy(block, outputs[i]);
    });
  }

  #report(): void {
    const { onSolve } = this.#attrs.loop;
    if (onSolve === undefined) return;
    const none = { jacobians: 0, factorisations: 0, rejected: 0 };
    this.#code.call(
      (nfe, accepted) => onSolve({ ...none, nfe, accepted, status: 'success', pass: 'backward' }),
      this.#evaluations.get(),
      this.#steps.get(),
    );
  }

  /** Stops where it is asked to before the step that ended where this one begins, going back. */
  #heed(frame: Frame): void {
    const { loop } = this.#attrs;
    if (loop.signal === undefined) return;
    const end = this.#code.numbers.add(frame.number(4), frame.number(3));
    this.#code.call((t) => heed(loop, t, 'backward'), end);
  }

  /** Tells how far the walk came. */
  #tell(frame: Frame): void {
    const { onStep } = this.#attrs.loop;
    if (onStep === undefined) return;
    const n = this.#code.numbers;
    const [start, end] = this.#span;
    const [h, t] = [frame.number(3), frame.number(4)];
    const fraction = n.div(n.sub(end, t), n.sub(end, start));
    this.#code.call(
      (at, length, done) =>
        onStep({ t: at, h: -length, accepted: true, fraction: done, pass: 'backward' }),
      t,
      h,
      fraction,
    );
  }

  #add(term: Block, total: Block, weight: Num = 1): void {
    this.#code.combine([1, weight], [total, term], total);
  }

  #increase(variable: Variable, by: Num): void {
    variable.set(this.#code.numbers.add(variable.get(), by));
  }

  /** The cotangents of stages `from` … `to`, stage after stage and leaf by leaf. */
  #stageCotangents(from: number, to: number): Block[] {
    const list: Block[] = [];
    for (let stage = from; stage < to; stage++) {
      for (const stack of this.#stages) list.push(this.#code.row(stack, stage));
    }
    return list;
  }

  /** Blocks for the cotangents that a backward half gives. */
  #fresh(specs: readonly Spec[]): Block[] {
    return specs.map((spec) => this.#code.block(spec));
  }

  /** Fresh blocks for a time and a step, where derivatives by the times are wanted. */
  #timePair(): Block[] {
    return this.#attrs.wanted.times ? this.#fresh([this.#scalar, this.#scalar]) : [];
  }

  /** Takes what a backward half says of t and h of the step being walked. */
  #takeTimes(pair: readonly Block[]): void {
    if (pair.length === 0) return;
    this.#increase(this.#stepStart, this.#code.element(pair[0]));
    this.#increase(this.#stepSize, this.#code.element(pair[1]));
  }

  #emit(index: Num): void {
    this.#observed.forEach((stack, leaf) => {
      if (stack !== null) this.#add(this.#code.row(stack, index), this.#y[leaf]);
    });
  }

  #dense(frame: Frame): void {
    if (this.#observed.every((stack) => stack === null)) return;
    const code = this.#code;
    const n = code.numbers;
    const [index, theta, h] = [0, 1, 2].map((i) => frame.number(i));
    const zeros = this.#state.map((spec, leaf) => {
      const stack = this.#observed[leaf];
      if (stack !== null) return code.row(stack, index);
      const block = code.block(spec);
      code.zero(block);
      return block;
    });
    const pair = this.#timePair();
    const state = this.#fresh(this.#state);
    const stages = this.#stageCotangents(0, this.#stageCount);
    const terms = this.#fresh(stages);
    this.#halves.dense?.runBackward(frame.blocks, zeros, [...pair, ...state, ...terms]);
    if (pair.length > 0) {
      // θ = (tᵢ − t)/h moves with the observation time, and with the t and h of the step
      const cotangent = code.element(pair[0]);
      this.#addTime(index, n.div(cotangent, h));
      this.#increase(this.#stepStart, n.div(n.sub(0, cotangent), h));
      this.#increase(this.#stepSize, n.div(n.mul(n.sub(0, theta), cotangent), h));
      this.#increase(this.#stepSize, code.element(pair[1]));
    }
    state.forEach((term, leaf) => {
      this.#add(term, this.#before[leaf]);
    });
    terms.forEach((term, i) => {
      this.#add(term, stages[i]);
    });
    this.#reached.set(1);
  }

  #extend(frame: Frame): void {
    const code = this.#code;
    const first = this.#tableau.c.length;
    // Where no cotangent arrived at what was observed in this step, there is nothing to do.
    code.when(code.numbers.equal(this.#reached.get(), 1), () => {
      this.#increase(this.#evaluations, this.#stageCount - first);
      const further = this.#stageCotangents(first, this.#stageCount);
      const stages = this.#stageCotangents(0, first);
      const pair = this.#timePair();
      const state = this.#fresh(this.#state);
      const terms = this.#fresh(stages);
      const gradients = this.#fresh(this.#args);
      const outputs = [...pair, ...state, ...terms, ...gradients];
      this.#halves.extend?.runBackward(frame.blocks, further, outputs);
      this.#takeTimes(pair);
      state.forEach((term, leaf) => {
        this.#add(term, this.#before[leaf]);
      });
      terms.forEach((term, i) => {
        this.#add(term, stages[i]);
      });
      this.#addGradients(gradients);
      for (const block of further) code.zero(block);
    });
  }

  #step(frame: Frame): void {
    const code = this.#code;
    const { loop } = this.#attrs;
    const { fsal, c } = this.#tableau;
    const first = fsal ? 1 : 0;
    this.#increase(this.#steps, 1);
    this.#increase(
      this.#evaluations,
      loop.method.course().plan(0, 0).kind.cost.reverse.evaluations,
    );
    const pair = this.#timePair();
    const state = this.#fresh(this.#state);
    const firstStage = fsal ? this.#fresh(this.#state) : [];
    const gradients = this.#fresh(this.#args);
    const cotangents = [...this.#y, ...this.#stageCotangents(first, c.length)];
    const outputs = [...pair, ...state, ...firstStage, ...gradients];
    this.#halves.step?.runBackward(frame.blocks, cotangents, outputs);
    if (pair.length > 0) {
      this.#takeTimes(pair);
      this.#timeOfStep(frame);
    }
    state.forEach((term, leaf) => {
      code.combine([1, 1], [term, this.#before[leaf]], this.#y[leaf]);
      code.zero(this.#before[leaf]);
    });
    this.#passOn(firstStage);
    this.#addGradients(gradients);
    this.#reached.set(0);
  }

  /** The first stage was the last one of the step before: its cotangent, with what interpolation added, goes there. */
  #passOn(firstStage: readonly Block[]): void {
    const code = this.#code;
    const last = this.#tableau.c.length - 1;
    const kept = firstStage.map((term, leaf) => {
      this.#add(code.row(this.#stages[leaf], 0), term);
      return term;
    });
    for (const stack of this.#stages) code.zero(stack);
    kept.forEach((term, leaf) => {
      code.copy(term, code.row(this.#stages[leaf], last));
    });
  }

  #addTime(index: Num, value: Num): void {
    const row = this.#code.row(this.#times, index);
    this.#code.store(this.#code.numbers.add(this.#code.element(row), value), row);
  }

  /** From the cotangents of a step's t and h to those of the ends of its stretch: see the head of direct.ts. */
  #timeOfStep(frame: Frame): void {
    const n = this.#code.numbers;
    const [segment, position, length] = [0, 1, 2].map((i) => frame.number(i));
    const t = this.#stepStart.get();
    const h = this.#stepSize.get();
    this.#stepStart.set(0);
    this.#stepSize.set(0);
    const [from, to] = this.#stretch(segment);
    const byLength = n.mul(length, h);
    this.#addTime(from, n.sub(n.mul(n.sub(1, position), t), byLength));
    this.#addTime(to, n.add(n.mul(position, t), byLength));
  }

  /** Indices of the times between which stretch `segment` lies. */
  #stretch(segment: Num): [Num, Num] {
    const jumps = this.#attrs.loop.jumps.some((jump) => jump !== undefined);
    return jumps ? [segment, this.#code.numbers.add(segment, 1)] : [0, this.#count - 1];
  }

  #start(frame: Frame): void {
    const code = this.#code;
    const { wanted } = this.#attrs;
    this.#increase(this.#evaluations, 1);
    const last = this.#tableau.c.length;
    const cotangents = this.#stageCotangents(last - 1, last);
    const time = wanted.times ? this.#fresh([this.#scalar]) : [];
    const state = this.#fresh(this.#state);
    const gradients = this.#fresh(this.#args);
    this.#halves.start?.runBackward(frame.blocks, cotangents, [...time, ...state, ...gradients]);
    if (time.length > 0) this.#addTime(this.#stretch(frame.number(0))[0], code.element(time[0]));
    state.forEach((term, leaf) => {
      this.#add(term, this.#y[leaf]);
    });
    this.#addGradients(gradients);
    for (const block of cotangents) code.zero(block);
  }

  #addGradients(terms: readonly Block[]): void {
    terms.forEach((term, i) => {
      this.#add(term, this.#gradients[i]);
    });
  }

  /** y⁺ = keep · y + jump. */
  #jump(index: Num): void {
    const code = this.#code;
    let next = 0;
    this.#attrs.loop.jumps.forEach((jump, leaf) => {
      if (jump === undefined) return;
      const row = code.row(this.#jumps[next++], code.numbers.sub(index, 1));
      code.copy(this.#y[leaf], row);
      if (!jump.keep) code.zero(this.#y[leaf]);
    });
  }

  /** The cotangents asked for, in the order of the solve's inputs. */
  #results(): Block[] {
    const { loop, needs } = this.#attrs;
    const roles = solveInputs(needs, loop);
    const gradients = [...this.#gradients];
    const wantedArgs = this.#attrs.wanted.args.map((want) =>
      want ? gradients.shift() : undefined,
    );
    return [
      ...(roles.times ? [this.#times] : []),
      ...this.#y.filter((_, leaf) => roles.y0[leaf]),
      ...this.#jumps.filter((_, i) => roles.jumps[i]),
      ...wantedArgs.filter((block, i): block is Block => roles.args[i] && block !== undefined),
    ];
  }
}

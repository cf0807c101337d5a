/** How many steps a run took, and of what kinds. */
import type { StepKind } from './method.ts';

export class StepCounts {
  accepted = 0;
  rejected = 0;
  #implicitSteps = 0;
  #switches = 0;
  #latest: StepKind | undefined;

  accept(kind: StepKind): void {
    this.accepted++;
    if (kind.implicit) this.#implicitSteps++;
    if (this.#latest !== undefined && this.#latest.implicit !== kind.implicit) this.#switches++;
    this.#latest = kind;
  }

  get attempts(): number {
    return this.accepted + this.rejected;
  }

  /** As `SolveStats` has them. */
  get stats() {
    return { accepted: this.accepted, rejected: this.rejected };
  }

  get kinds() {
    return { implicitSteps: this.#implicitSteps, switches: this.#switches };
  }
}

/**
 * What a primitive operation is: a name, a shape rule, and, for the structured ones, how it runs out of smaller ones.
 */
import type { Spec } from './dtype.ts';
import type { Run, Slot } from './execute.ts';
import type { Graph } from './graph.ts';
import type { Lowering, Place } from './lowering.ts';
import type { Backend } from './backend.ts';
import type { Tensor } from './tensor.ts';

/** The two modes of differentiating a graph, handed to the rules of loops, which need them for their bodies. */
export interface Modes {
  /** Outputs of `graph` and their tangents. */
  pushForward(
    graph: Graph,
    inputs: readonly Tensor[],
    tangents: readonly (Tensor | null)[],
  ): { outputs: Tensor[]; tangents: (Tensor | null)[] };
  /** Outputs of `graph`, and the map from their cotangents to those of the inputs that `needs` names. */
  pullBack(
    graph: Graph,
    inputs: readonly Tensor[],
    needs: readonly boolean[],
  ): {
    outputs: Tensor[];
    pullback(cotangents: readonly (Tensor | null)[]): (Tensor | null)[];
  };
}

/**
 * How a primitive is differentiated, in both modes, in terms of tensors (so that the derivative is a graph again and
 * can itself be differentiated). `null` stands for a derivative that is identically zero.
 */
export interface DerivativeRule<Attrs = unknown> {
  /** Outputs and their tangents, given inputs and theirs. */
  jvp(
    inputs: readonly Tensor[],
    tangents: readonly (Tensor | null)[],
    attrs: Attrs,
    modes: Modes,
  ): { outputs: readonly Tensor[]; tangents: readonly (Tensor | null)[] };
  /** Outputs, and the map from cotangents of the outputs to cotangents of those inputs that `needs` names. */
  vjp(
    inputs: readonly Tensor[],
    attrs: Attrs,
    needs: readonly boolean[],
    modes: Modes,
  ): {
    outputs: readonly Tensor[];
    pullback(cotangents: readonly (Tensor | null)[]): readonly (Tensor | null)[];
  };
}

// biome-ignore lint/suspicious/noExplicitAny: attributes differ by primitive; each primitive's own file types them.
export interface Primitive<Attrs = any> {
  readonly name: string;
  /** The outputs' shapes and dtypes; throws a typed error where the inputs do not fit. */
  infer(inputs: readonly Spec[], attrs: Attrs): Spec[];
  /**
   * For a primitive that is a program rather than a kernel (`scan`, `odeSolve`): runs it kernel by kernel. Inputs are
   * borrowed, outputs are owned by the caller. A plain primitive has none and is the backend's to run.
   */
  run?(inputs: readonly Slot[], attrs: Attrs, backend: Backend): Run<Slot[]>;
  /**
   * The same as code for a compiling backend, which fills `outputs`; see lowering.ts. A node that has none, or whose
   * `refuses` gives a reason, is run by `run`.
   */
  lower?(code: Lowering, inputs: readonly Place[], outputs: readonly Place[], attrs: Attrs): void;
  /** Why a node with these attributes cannot be compiled; nothing where it can. */
  refuses?(attrs: Attrs): string | undefined;
  /** The derivative rule, where the primitive brings its own (those of the plain ones are in `autodiff`). */
  readonly derivative?: DerivativeRule<Attrs>;
}

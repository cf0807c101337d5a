/**
 * The four potentials on which normalizing flows are shown (Rezende and Mohamed 2015, table 1), as log-densities −U(z) up
 * to a constant. With w₁ = sin(2π z₁/4), w₂ = 3 exp(−½((z₁ − 1)/0.6)²), w₃ = 3 σ((z₁ − 1)/0.3):
 *
 *     U₁ = ½((‖z‖ − 2)/0.4)² − log(exp(−½((z₁ − 2)/0.6)²) + exp(−½((z₁ + 2)/0.6)²))
 *     U₂ = ½((z₂ − w₁)/0.4)²
 *     U₃ = −log(exp(−½((z₂ − w₁)/0.35)²) + exp(−½((z₂ − w₁ + w₂)/0.35)²))
 *     U₄ = −log(exp(−½((z₂ − w₁)/0.4)²) + exp(−½((z₂ − w₁ + w₃)/0.35)²))
 *
 * U₂ to U₄ are bands without end along z₁, which no density can have. Here all four have a wall around the square
 * [−4, 4]² in which they are always drawn: −½ Σ (max(|zᵢ| − 4, 0)/0.2)², which is ours.
 */
import { ArgumentError, stack, type Tensor } from '@neuralode/tensor';

/** Half the side of the square that the wall leaves free. */
export const energyHalfWidth = 4;
const wallWidth = 0.2;

/** Names of the potentials. */
export const toyEnergyNames = ['U1', 'U2', 'U3', 'U4'] as const;
export type ToyEnergyName = (typeof toyEnergyNames)[number];

/** −½((x − mean)/width)². */
function bell(x: Tensor, width: number): Tensor {
  return x
    .mul(1 / width)
    .square()
    .mul(-0.5);
}

function logSum(a: Tensor, b: Tensor): Tensor {
  return stack([a, b], -1).logSumExp(-1);
}

const wave = (x: Tensor): Tensor => x.mul(Math.PI / 2).sin();

const energies: Readonly<Record<ToyEnergyName, (x: Tensor, y: Tensor) => Tensor>> = {
  U1: (x, y) => {
    // The root has no derivative at the origin, where the density is 4e-6 of its maximum.
    const radius = x.square().add(y.square()).add(1e-12).sqrt();
    return bell(radius.sub(2), 0.4).add(logSum(bell(x.sub(2), 0.6), bell(x.add(2), 0.6)));
  },
  U2: (x, y) => bell(y.sub(wave(x)), 0.4),
  U3: (x, y) => {
    const off = y.sub(wave(x));
    const dip = bell(x.sub(1), 0.6).exp().mul(3);
    return logSum(bell(off, 0.35), bell(off.add(dip), 0.35));
  },
  U4: (x, y) => {
    const off = y.sub(wave(x));
    const step = x
      .sub(1)
      .mul(1 / 0.3)
      .sigmoid()
      .mul(3);
    return logSum(bell(off, 0.4), bell(off.add(step), 0.35));
  },
};

/** The log-density −U(z), with the wall, up to a constant: [batch, 2] to [batch]. */
export function toyEnergy(name: ToyEnergyName): (z: Tensor) => Tensor {
  const energy = energies[name];
  if (energy === undefined) {
    throw new ArgumentError({
      what: 'toyEnergy: no such potential',
      got: String(name),
      expected: toyEnergyNames.join(', '),
    });
  }
  return (z) => {
    const outside = z.abs().sub(energyHalfWidth).relu();
    return energy(z.at(0, -1), z.at(1, -1)).add(bell(outside, wallWidth).sum(-1));
  };
}

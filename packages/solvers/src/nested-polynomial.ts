/**
 * Polynomials θ(v₀ + (1 − θ)(v₁ + θ(v₂ + (1 − θ)(v₃ + …)))), the form in which Hairer's codes keep their dense output, and
 * the same in powers of θ. In powers, large coefficients cancel near θ = 1; here they count little wherever they are
 * large. On a device that adds in float32, an interpolant of degree 7 has an error of 1e-6 so, and 2e-4 in powers.
 */

/** Coefficients of θ, θ², … of the polynomial with these v₀, v₁, …. */
export function powersOf(nested: readonly number[]): number[] {
  return nested.reduceRight<number[]>((inner, value, depth) => {
    // this value stands after as many factors, θ and 1 − θ in turn, as it is deep
    const sum = [value + (inner[0] ?? 0), ...inner.slice(1)];
    if (depth === 0) return sum;
    const risen = [0, ...sum];
    return depth % 2 === 0 ? risen : [...sum, 0].map((each, power) => each - risen[power]);
  }, []);
}

/** v₀, v₁, … of the polynomial with these coefficients of θ, θ², …; 0 where they differ from it by rounding only. */
export function nestedOf(powers: readonly number[]): number[] {
  const rounding = 4 * Number.EPSILON * powers.reduce((sum, each) => sum + Math.abs(each), 0);
  let rest = [...powers];
  return powers.map((_, depth) => {
    const rising = depth % 2 === 1;
    // its value at the zero of the next factor, by which what remains is divided
    const value = rising ? rest[0] : rest.reduce((sum, each) => sum + each, 0);
    if (rising) rest = rest.slice(1);
    else {
      let carried = -value;
      rest = rest.slice(0, -1).map((each) => {
        carried += each;
        return carried;
      });
    }
    return Math.abs(value) <= rounding ? 0 : value;
  });
}

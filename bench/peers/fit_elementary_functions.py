"""Coefficients of the elementary functions of backend-simd (packages/backend-simd/src/vector), printed.

Each is the polynomial whose largest error is least, by the exchange algorithm of Remez ("Sur la
détermination des polynômes d'approximation de degré donnée", 1934), in 60 digits. The error is
weighted so that it counts as a relative error of the function that the polynomial becomes part of.

    bench/.venv/bin/python bench/peers/fit_elementary_functions.py
"""

from mpmath import atanh, cos, exp, log, lu_solve, matrix, mp, mpf, pi, sin, sqrt, tanh

mp.dps = 60
GRID = 800


def polynomial(coefficients, x):
    total = mpf(0)
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def extrema(error, points):
    """Where the error is farthest from zero, once between any two changes of its sign."""
    found = []
    for x in points:
        e = error(x)
        if found and (e > 0) == (found[-1][1] > 0):
            if abs(e) > abs(found[-1][1]):
                found[-1] = (x, e)
        else:
            found.append((x, e))
    return found


def chebyshev_points(low, high, count):
    angles = [pi * (2 * i + 1) / (2 * count) for i in range(count)]
    return [low + (high - low) * (1 - cos(angle)) / 2 for angle in angles]


def remez(function, weight, low, high, degree):
    """The polynomial that minimises the largest |weight (function − it)| between, and that error."""
    count = degree + 2
    grid = chebyshev_points(low, high, GRID)
    at = chebyshev_points(low, high, count)
    for _ in range(30):
        powers = [[x**j for j in range(degree + 1)] for x in at]
        rows = [row + [(-1) ** i / weight(at[i])] for i, row in enumerate(powers)]
        solution = list(lu_solve(matrix(rows), matrix([function(x) for x in at])))
        coefficients, level = solution[:-1], abs(solution[-1])
        error = lambda x: weight(x) * (function(x) - polynomial(coefficients, x))
        found = extrema(error, grid)
        largest = max(abs(e) for _, e in found)
        if largest < level * mpf("1.001"):
            break
        while len(found) > count:
            found.pop(0 if abs(found[0][1]) < abs(found[-1][1]) else -1)
        if len(found) < count:
            raise ValueError(f"{len(found)} extrema where {count} are needed")
        at = [x for x, _ in found]
    return coefficients, largest


def show(name, fit):
    coefficients, error = fit
    print(f"{name}: largest error {mp.nstr(error, 3)}")
    written = repr if name.startswith("float64") else "{:.9g}".format
    print("  " + ", ".join(written(float(c)) for c in coefficients))


# a little wider than the reduction leaves, whose rounding moves the bounds
SLACK = mpf("1.0005")
HALF_STEP = log(2) / 4 * SLACK


def exponential(degree):
    """(exp r − 1 − r) / r² in r, for |r| ≤ ln 2 / 2; near zero little of exp r − 1 depends on it."""
    return remez(
        lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > 1e-20 else mpf("0.5"),
        lambda r: max(abs(r), HALF_STEP / 50),
        -2 * HALF_STEP,
        2 * HALF_STEP,
        degree,
    )


def tanh_near_zero(degree):
    """(tanh r − r) / r³ in r²; errors at the ends, where all roundings meet, count most."""
    return remez(
        lambda u: (tanh(sqrt(u)) / sqrt(u) - 1) / u,
        lambda u: (sqrt(u) / HALF_STEP) * u * sqrt(u) / tanh(sqrt(u)),
        mpf("1e-9"),
        HALF_STEP**2,
        degree,
    )


def logarithm(degree):
    """(log((1 + s) / (1 − s)) − 2 s) / s³ in s², for arguments from √½ to √2."""
    end = (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1) * SLACK
    return remez(
        lambda z: (2 * atanh(sqrt(z)) / sqrt(z) - 2) / z,
        lambda z: z * sqrt(z) / (2 * atanh(sqrt(z))),
        mpf("1e-9"),
        end**2,
        degree,
    )


def sine(degree):
    """(sin r − r) / r³ as a polynomial in r², for |r| ≤ π / 4."""
    return remez(
        lambda u: (sin(sqrt(u)) / sqrt(u) - 1) / u,
        lambda u: u * sqrt(u) / sin(sqrt(u)),
        mpf("1e-9"),
        (pi / 4 * SLACK) ** 2,
        degree,
    )


def cosine(degree):
    """(cos r − 1 + r² / 2) / r⁴ as a polynomial in r², for |r| ≤ π / 4."""
    return remez(
        lambda u: (cos(sqrt(u)) - 1 + u / 2) / u**2,
        lambda u: u**2 / cos(sqrt(u)),
        mpf("1e-9"),
        (pi / 4 * SLACK) ** 2,
        degree,
    )


if __name__ == "__main__":
    show("float32 tanh, |r| ≤ ln 2 / 4, (tanh r − r) / r³ in r²", tanh_near_zero(1))
    show("float32 log, (2 artanh s − 2 s) / s³ in s²", logarithm(2))
    show("float32 sin, (sin r − r) / r³ in r²", sine(2))
    show("float32 cos, (cos r − 1 + r² / 2) / r⁴ in r²", cosine(2))
    show("float32 expm1, |r| ≤ ln 2 / 2, (exp r − 1 − r) / r² in r", exponential(4))
    show("float64 log, (2 artanh s − 2 s) / s³ in s²", logarithm(6))
    show("float64 tanh, |r| ≤ ln 2 / 4, (tanh r − r) / r³ in r²", tanh_near_zero(5))
    show("float64 expm1, |r| ≤ ln 2 / 2, (exp r − 1 − r) / r² in r", exponential(9))

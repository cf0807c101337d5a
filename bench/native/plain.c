/*
 * Dormand-Prince 5(4) in C, with the step-size control of ours, on the problems of bench/src/plain/problems.ts.
 *
 *     cc -O3 -o plain plain.c -lm && ./plain PROBLEM TOLERANCE
 *
 * Prints one line of JSON: the state at the end, the evaluations of one solve, and the shortest time of many.
 * The tableau: Dormand, Prince, J. Comput. Appl. Math. 6 (1980), 19-26. First step and control: Hairer, Norsett, Wanner I,
 * section II.4.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LARGEST 1000
#define CELLS 500
#define LINEAR 10
#define PI 3.14159265358979323846

typedef void (*Field)(double t, const double *y, double *dy);

static double matrix[LINEAR * LINEAR];

static void lorenz(double t, const double *y, double *dy) {
  (void)t;
  const double a = y[0], b = y[1], c = y[2];
  dy[0] = 10 * (b - a);
  dy[1] = a * (28 - c) - b;
  dy[2] = a * b - (8.0 / 3) * c;
}

static void pleiades(double t, const double *y, double *dy) {
  (void)t;
  for (int i = 0; i < 7; i++) {
    double ax = 0, ay = 0;
    for (int j = 0; j < 7; j++) {
      if (j == i) continue;
      const double dx = y[j] - y[i], dz = y[7 + j] - y[7 + i];
      const double squared = dx * dx + dz * dz;
      const double pull = (j + 1) / (squared * sqrt(squared));
      ax += pull * dx;
      ay += pull * dz;
    }
    dy[i] = y[14 + i];
    dy[7 + i] = y[21 + i];
    dy[14 + i] = ax;
    dy[21 + i] = ay;
  }
}

static void brusselator(double t, const double *y, double *dy) {
  (void)t;
  const double diffusion = (1.0 / 50) * (CELLS + 1) * (CELLS + 1);
  for (int i = 0; i < CELLS; i++) {
    const double u = y[i], v = y[CELLS + i];
    const double left = i > 0 ? y[i - 1] : 1, right = i < CELLS - 1 ? y[i + 1] : 1;
    const double below = i > 0 ? y[CELLS + i - 1] : 3, above = i < CELLS - 1 ? y[CELLS + i + 1] : 3;
    const double reaction = u * u * v;
    dy[i] = 1 + reaction - 4 * u + diffusion * (left - 2 * u + right);
    dy[CELLS + i] = 3 * u - reaction + diffusion * (below - 2 * v + above);
  }
}

static void linear(double t, const double *y, double *dy) {
  (void)t;
  for (int i = 0; i < LINEAR; i += 2) {
    double upper = 0, lower = 0;
    for (int j = 0; j < LINEAR; j++) {
      upper += matrix[LINEAR * i + j] * y[j];
      lower += matrix[LINEAR * (i + 1) + j] * y[j];
    }
    dy[i] = upper;
    dy[i + 1] = lower;
  }
}

/* The tableau, rows of the stages from the second on; the last is the solution. */
static const double a2[] = {1.0 / 5};
static const double a3[] = {3.0 / 40, 9.0 / 40};
static const double a4[] = {44.0 / 45, -56.0 / 15, 32.0 / 9};
static const double a5[] = {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729};
static const double a6[] = {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656};
static const double a7[] = {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84};
static const double error_weights[] = {71.0 / 57600,      0,           -71.0 / 16695, 71.0 / 1920,
                                       -17253.0 / 339200, 22.0 / 525, -1.0 / 40};
static const double *const a[] = {a2, a3, a4, a5, a6, a7};
static const double c[] = {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1};

static double k[7][LARGEST], point[LARGEST], bend[LARGEST];

static double rms(double total, int n) { return sqrt(total / n); }

static double first_step(Field field, int n, double t, const double *y, double span, double tol) {
  double states = 0, rates = 0, bends = 0;
  for (int i = 0; i < n; i++) {
    const double scale = tol + tol * fabs(y[i]);
    states += (y[i] / scale) * (y[i] / scale);
    rates += (k[0][i] / scale) * (k[0][i] / scale);
  }
  const double state = rms(states, n), rate = rms(rates, n);
  double trial = state < 1e-5 || rate < 1e-5 ? 1e-6 : 0.01 * state / rate;
  if (trial > span) trial = span;
  for (int i = 0; i < n; i++) point[i] = y[i] + trial * k[0][i];
  field(t + trial, point, bend);
  for (int i = 0; i < n; i++) {
    const double scaled = (bend[i] - k[0][i]) / (tol + tol * fabs(y[i]));
    bends += scaled * scaled;
  }
  const double change = rms(bends, n) / trial, largest = change > rate ? change : rate;
  const double fine = largest > 1e-15 ? pow(0.01 / largest, 1.0 / 5) : fmax(1e-6, trial * 1e-3);
  return fmin(100 * trial, fine);
}

/* The stages of a step; the last point is where it ends. */
static void stages(Field field, int n, double t, double h, const double *y) {
  for (int stage = 1; stage < 7; stage++) {
    const double *const w = a[stage - 1];
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int j = 0; j < stage; j++) sum += w[j] * k[j][i];
      point[i] = y[i] + h * sum;
    }
    field(t + c[stage] * h, point, k[stage]);
  }
}

static double scaled_error(int n, double h, const double *y, double tol) {
  double total = 0;
  for (int i = 0; i < n; i++) {
    double sum = 0;
    for (int j = 0; j < 7; j++) sum += error_weights[j] * k[j][i];
    const double scaled = h * sum / (tol + tol * fmax(fabs(y[i]), fabs(point[i])));
    total += scaled * scaled;
  }
  return rms(total, n);
}

static long solve(Field field, int n, double *y, double t, double end, double tol) {
  long evaluations = 2;
  int rejected = 0;
  double previous = 1;
  field(t, y, k[0]);
  double size = first_step(field, n, t, y, end - t, tol);
  while (t < end) {
    const double h = end - t <= 1.01 * size ? end - t : size;
    stages(field, n, t, h, y);
    evaluations += 6;
    const double error = scaled_error(n, h, y, tol);
    double factor = 10;
    if (error > 1)
      factor = 0.9 * pow(error, -0.17);
    else if (error > 0)
      factor = 0.9 * exp(0.04 * log(previous) - 0.17 * log(error));
    if (error <= 1) {
      factor = factor < 0.2 ? 0.2 : factor > 10 ? 10 : factor;
      t = h == end - t ? end : t + h;
      memcpy(y, point, n * sizeof *y);
      memcpy(k[0], k[6], n * sizeof *y);
      size = h * (rejected && factor > 1 ? 1 : factor);
      rejected = 0;
      previous = fmax(error, 1e-4);
    } else {
      size = h * fmin(1, fmax(0.2, factor));
      rejected = 1;
    }
  }
  return evaluations;
}

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + 1e-9 * now.tv_nsec;
}

static const double stars[] = {3, 3,  -1, -3, 2, -2, 2, 3, -3, 2, 0, 0,    -4,   4,
                               0, 0, 0,  0,  0, 1.75, -1.5, 0, 0,  0, -1.25, 1, 0, 0};

/* Fills in the initial state; its length. */
static int start(const char *name, double *y, Field *field, double *end) {
  memset(y, 0, LARGEST * sizeof *y);
  if (strcmp(name, "lorenz") == 0) {
    *field = lorenz, *end = 20;
    y[0] = y[1] = y[2] = 1;
    return 3;
  }
  if (strcmp(name, "pleiades") == 0) {
    *field = pleiades, *end = 3;
    memcpy(y, stars, sizeof stars);
    return 28;
  }
  if (strcmp(name, "brusselator") == 0) {
    *field = brusselator, *end = 1;
    for (int i = 0; i < CELLS; i++) {
      y[i] = 1 + sin(2 * PI * (i + 1) / (CELLS + 1));
      y[CELLS + i] = 3;
    }
    return 2 * CELLS;
  }
  *field = linear, *end = 20;
  y[0] = 1;
  return LINEAR;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  const double tol = atof(arguments[2]);
  for (int i = 0; i < LINEAR; i++)
    for (int j = 0; j < LINEAR; j++)
      matrix[LINEAR * i + j] = sin(3 * i + 5 * j) - sin(3 * j + 5 * i) - (i == j ? 0.1 : 0);
  static double y[LARGEST];
  Field field;
  double end, best = HUGE_VAL;
  long evaluations = 0;
  int n = 0;
  const double begin = seconds();
  for (int run = 0; run < 3 || seconds() - begin < 1.5; run++) {
    n = start(arguments[1], y, &field, &end);
    const double from = seconds();
    evaluations = solve(field, n, y, 0, end, tol);
    best = fmin(best, seconds() - from);
  }
  printf("{\"milliseconds\": %.6g, \"nfe\": %ld, \"y\": [", 1000 * best, evaluations);
  for (int i = 0; i < n; i++) printf("%s%.17g", i ? ", " : "", y[i]);
  printf("]}\n");
  return 0;
}

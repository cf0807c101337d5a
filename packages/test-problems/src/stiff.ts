/**
 * The standard stiff problems: E. Hairer, G. Wanner, Solving Ordinary Differential Equations II, section IV.10, and
 * F. Mazzia, C. Magherini, Test Set for Initial Value Problem Solvers, release 2.4 (2008), whose end values are the
 * published ones.
 */
import type { Problem } from './problem.ts';

const vanDerPol: Problem = {
  name: 'vdpol',
  source: "van der Pol's equation with ε = 1e-6",
  equations: ['y[1]', '((1 - y[0] * y[0]) * y[1] - y[0]) / 1e-6'],
  y0: [2, 0],
  times: [0, 2],
  smallness: 1,
  published: [1.706167732170483, -0.8928097010247975],
};

const rober: Problem = {
  name: 'rober',
  source: "Robertson's reaction",
  where: { slow: '0.04 * y[0]', back: '1e4 * y[1] * y[2]', fast: '3e7 * y[1] * y[1]' },
  equations: ['back - slow', 'slow - back - fast', 'fast'],
  y0: [1, 0, 0],
  times: [0, 1e11],
  smallness: 1e-6,
  published: [0.2083340149701255e-7, 0.8333360770334713e-13, 0.999999979166505],
};

const hires: Problem = {
  name: 'hires',
  source: "Schäfer's model of how light acts on growing plants",
  equations: [
    '-1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007',
    '1.71 * y[0] - 8.75 * y[1]',
    '-10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4]',
    '8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3]',
    '-1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6]',
    '-280 * y[5] * y[7] + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6]',
    '280 * y[5] * y[7] - 1.81 * y[6]',
    '-280 * y[5] * y[7] + 1.81 * y[6]',
  ],
  y0: [1, 0, 0, 0, 0, 0, 0, 0.0057],
  times: [0, 321.8122],
  smallness: 1e-4,
  published: [
    0.7371312573325668e-3, 0.1442485726316185e-3, 0.5888729740967575e-4, 0.1175651343283149e-2,
    0.2386356198831331e-2, 0.6238968252742796e-2, 0.2849998395185769e-2, 0.2850001604814231e-2,
  ],
};

const orego: Problem = {
  name: 'orego',
  source: 'the Oregonator, an oscillating reaction',
  equations: [
    '77.27 * (y[1] + y[0] * (1 - 8.375e-6 * y[0] - y[1]))',
    '(y[2] - (1 + y[0]) * y[1]) / 77.27',
    '0.161 * (y[0] - y[2])',
  ],
  y0: [1, 2, 3],
  times: [0, 360],
  smallness: 1e-6,
  published: [1.000814870318523, 1228.178521549917, 132.0554942846706],
};

const pollution: Problem = {
  name: 'pollution',
  source: "Verwer's model of air pollution: 20 species, 25 reactions",
  where: {
    r1: '0.35 * y[0]',
    r2: '26.6 * y[1] * y[3]',
    r3: '12300 * y[4] * y[1]',
    r4: '0.00086 * y[6]',
    r5: '0.00082 * y[6]',
    r6: '15000 * y[6] * y[5]',
    r7: '0.00013 * y[8]',
    r8: '24000 * y[8] * y[5]',
    r9: '16500 * y[10] * y[1]',
    r10: '9000 * y[10] * y[0]',
    r11: '0.022 * y[12]',
    r12: '12000 * y[9] * y[1]',
    r13: '1.88 * y[13]',
    r14: '16300 * y[0] * y[5]',
    r15: '4.8e6 * y[2]',
    r16: '0.00035 * y[3]',
    r17: '0.0175 * y[3]',
    r18: '1e8 * y[15]',
    r19: '4.44e11 * y[15]',
    r20: '1240 * y[16] * y[5]',
    r21: '2.1 * y[18]',
    r22: '5.78 * y[18]',
    r23: '0.0474 * y[0] * y[3]',
    r24: '1780 * y[18] * y[0]',
    r25: '3.12 * y[19]',
  },
  equations: [
    '-r1 - r10 - r14 - r23 - r24 + r2 + r3 + r9 + r11 + r12 + r22 + r25',
    '-r2 - r3 - r9 - r12 + r1 + r21',
    '-r15 + r1 + r17 + r19 + r22',
    '-r2 - r16 - r17 - r23 + r15',
    '-r3 + 2 * r4 + r6 + r7 + r13 + r20',
    '-r6 - r8 - r14 - r20 + r3 + 2 * r18',
    '-r4 - r5 - r6 + r13',
    'r4 + r5 + r6 + r7',
    '-r7 - r8',
    '-r12 + r7 + r9',
    '-r9 - r10 + r8 + r11',
    'r9',
    '-r11 + r10',
    '-r13 + r12',
    'r14',
    '-r18 - r19 + r16',
    '-r20',
    'r20',
    '-r21 - r22 - r24 + r23 + r25',
    '-r25 + r24',
  ],
  y0: [0, 0.2, 0, 0.04, 0, 0, 0.1, 0.3, 0.01, 0, 0, 0, 0, 0, 0, 0, 0.007, 0, 0, 0],
  times: [0, 60],
  smallness: 1e-6,
  published: [
    0.5646255480022769e-1, 0.1342484130422339, 0.4139734331099427e-8, 0.5523140207484359e-2,
    0.2018977262302196e-6, 0.1464541863493966e-6, 0.7784249118997964e-1, 0.3245075353396018,
    0.7494013383880406e-2, 0.1622293157301561e-7, 0.1135863833257075e-7, 0.2230505975721359e-2,
    0.208716288279863e-3, 0.1396921016840158e-4, 0.8964884856898295e-2, 0.4352846369330103e-17,
    0.6899219696263405e-2, 0.1007803037365946e-3, 0.1772146513969984e-5, 0.5682943292316392e-4,
  ],
};

/** What a diode passes at a voltage. */
const diode = (voltage: string): string => `40.67286402e-9 * (exp(17.7493332 * (${voltage})) - 1)`;

const ringModulator: Problem = {
  name: 'ringmod',
  source: 'the ring modulator, an electrical circuit, with a capacitance Cs of 2e-12',
  where: {
    low: '0.5 * sin(6283.185307179586 * t)',
    high: '2 * sin(62831.85307179586 * t)',
    q1: diode('y[2] - y[4] - y[6] - high'),
    q2: diode('-y[3] + y[5] - y[6] - high'),
    q3: diode('y[3] + y[4] + y[6] + high'),
    q4: diode('-y[2] - y[5] + y[6] + high'),
  },
  equations: [
    '(y[7] - 0.5 * y[9] + 0.5 * y[10] + y[13] - y[0] / 25000) / 1.6e-8',
    '(y[8] - 0.5 * y[11] + 0.5 * y[12] + y[14] - y[1] / 25000) / 1.6e-8',
    '(y[9] - q1 + q4) / 2e-12',
    '(-y[10] + q2 - q3) / 2e-12',
    '(y[11] + q1 - q3) / 2e-12',
    '(-y[12] - q2 + q4) / 2e-12',
    '(-y[6] / 50 + q1 + q2 - q3 - q4) / 1e-8',
    '-y[0] / 4.45',
    '-y[1] / 4.45',
    '(0.5 * y[0] - y[2] - 17.3 * y[9]) / 0.0005',
    '(-0.5 * y[0] + y[3] - 17.3 * y[10]) / 0.0005',
    '(0.5 * y[1] - y[4] - 17.3 * y[11]) / 0.0005',
    '(-0.5 * y[1] + y[5] - 17.3 * y[12]) / 0.0005',
    '(-y[0] + low - 86.3 * y[13]) / 0.002',
    '(-y[1] - 636.3 * y[14]) / 0.002',
  ],
  y0: new Array<number>(15).fill(0),
  times: [0, 5e-6, 1e-3],
  smallness: 1e-4,
  published: [
    -0.2339057358486745e-1, -0.7367485485540825e-2, 0.2582956709291169, -0.406446572128345,
    -0.4039455665149794, 0.2607966765422943, 0.1106761861269975, 0.2939904342435596e-6,
    -0.2840029933642329e-7, 0.7267198267264553e-3, 0.792948719696084e-3, -0.7255283495698965e-3,
    -0.7941401968526521e-3, 0.7088495416976114e-4, 0.239005907523657e-4,
  ],
};

/**
 * y₁ − y₂ − y₃ stays 0 (indices from 0): the third rate is the difference of the others, or rounding would drown the
 * late solution. In float64 components of 1e-10 at first leave no more than a few digits of 1e-22 at last; what is seen
 * here are errors in units of 1e-15.
 */
const e5: Problem = {
  name: 'e5',
  source: 'E5, the pyrolysis of Enright, Hull and Lindberg',
  where: {
    second: '7.89e-10 * y[0] - 1.13e9 * y[1] * y[2]',
    grow: '1.1e7 * y[0] * y[2]',
    fourth: 'grow - 1.13e3 * y[3]',
  },
  equations: ['-7.89e-10 * y[0] - grow', 'second', 'second - fourth', 'fourth'],
  y0: [1.76e-3, 0, 0, 0],
  times: [0, 1e7, 1e13],
  smallness: 1e-15,
  published: [0, 0.886765551764212e-22, 0.8854814626268838e-22, 0],
};

export const stiff: readonly Problem[] = [
  vanDerPol,
  rober,
  hires,
  orego,
  pollution,
  e5,
  ringModulator,
];

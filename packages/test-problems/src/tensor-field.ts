/**
 * The field of a problem on tensors: its expressions are read (recursive descent, with the precedences of Python) and
 * evaluated on the way.
 */
import { cos, exp, sin, sqrt, stack, type Tensor, tensor } from '@neuralode/tensor';
import type { Problem } from './problem.ts';

type Quantity = number | Tensor;
type Names = ReadonlyMap<string, Quantity>;

const functions: Readonly<Record<string, readonly [(x: number) => number, (x: Tensor) => Tensor]>> =
  { cos: [Math.cos, cos], exp: [Math.exp, exp], sin: [Math.sin, sin], sqrt: [Math.sqrt, sqrt] };

const token = /\s*(\d+\.?\d*(?:e[-+]?\d+)?|y\[\d+\]|[A-Za-z]\w*|\*\*|[-+*/()])/y;

function tokensOf(expression: string): string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < expression.length) {
    const [, found] = token.exec(expression) ?? [];
    if (found === undefined) throw new SyntaxError(`not an expression: ${expression}`);
    tokens.push(found);
  }
  return tokens;
}

function negate(x: Quantity): Quantity {
  return typeof x === 'number' ? -x : x.neg();
}

const operators: Readonly<Record<string, (a: Quantity, b: Quantity) => Quantity>> = {
  '+': (a, b) => (typeof a === 'number' ? (typeof b === 'number' ? a + b : b.add(a)) : a.add(b)),
  '-': (a, b) => operators['+'](a, negate(b)),
  '*': (a, b) => (typeof a === 'number' ? (typeof b === 'number' ? a * b : b.mul(a)) : a.mul(b)),
  '/': (a, b) =>
    typeof a === 'number' ? (typeof b === 'number' ? a / b : b.pow(-1).mul(a)) : a.div(b),
  '**': (a, b) => (typeof a === 'number' && typeof b === 'number' ? a ** b : (a as Tensor).pow(b)),
};

class Reader {
  readonly #tokens: string[];
  readonly #names: Names;

  constructor(expression: string, names: Names) {
    this.#tokens = tokensOf(expression);
    this.#names = names;
  }

  read(): Quantity {
    const value = this.#sum();
    if (this.#tokens.length > 0) throw new SyntaxError(`${this.#tokens[0]} is left over`);
    return value;
  }

  /** Operands of one precedence, from left to right. */
  #chain(signs: readonly string[], operand: () => Quantity): Quantity {
    let value = operand();
    while (signs.includes(this.#tokens[0])) {
      value = operators[this.#tokens.shift() as string](value, operand());
    }
    return value;
  }

  #sum(): Quantity {
    return this.#chain(['+', '-'], () => this.#product());
  }

  #product(): Quantity {
    return this.#chain(['*', '/'], () => this.#signed());
  }

  #signed(): Quantity {
    if (this.#tokens[0] !== '-') return this.#power();
    this.#tokens.shift();
    return negate(this.#signed());
  }

  #power(): Quantity {
    const base = this.#atom();
    if (this.#tokens[0] !== '**') return base;
    this.#tokens.shift();
    return operators['**'](base, this.#signed());
  }

  #atom(): Quantity {
    const first = this.#tokens.shift() ?? 'the end';
    if (first === '(') return this.#closed();
    if (/^\d/.test(first)) return Number(first);
    if (first in functions) {
      this.#tokens.shift();
      const argument = this.#closed();
      const [onNumber, onTensor] = functions[first];
      return typeof argument === 'number' ? onNumber(argument) : onTensor(argument);
    }
    const named = this.#names.get(first);
    if (named === undefined) throw new SyntaxError(`${first} is not known`);
    return named;
  }

  #closed(): Quantity {
    const value = this.#sum();
    if (this.#tokens.shift() !== ')') throw new SyntaxError('a parenthesis is not closed');
    return value;
  }
}

/** The field on a state [n]. */
export function tensorField({ where = {}, equations }: Problem): (t: Tensor, y: Tensor) => Tensor {
  return (t, y) => {
    const names = new Map<string, Quantity>([['t', t]]);
    equations.forEach((_, i) => {
      names.set(`y[${i}]`, y.at(i));
    });
    const value = (expression: string): Quantity => new Reader(expression, names).read();
    for (const [name, expression] of Object.entries(where)) names.set(name, value(expression));
    return stack(
      equations.map((expression) => {
        const rate = value(expression);
        return typeof rate === 'number' ? tensor(rate) : rate;
      }),
    );
  };
}

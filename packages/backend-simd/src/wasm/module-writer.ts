/** Puts functions together into the bytes of one WebAssembly module that imports its memory. */
import { leb, text, valueTypes } from './encoding.ts';
import type { FunctionWriter, Signature } from './function-writer.ts';

export class ModuleWriter {
  readonly #types: string[] = [];
  readonly #imports: { readonly name: string; readonly type: number }[] = [];
  readonly #functions: FunctionWriter[] = [];
  #exported = 0;

  #typeOf({ params, results }: Signature): number {
    const list = (types: Signature['params']): number[] => [
      ...leb(types.length),
      ...types.map((type) => valueTypes[type]),
    ];
    const key = [0x60, ...list(params), ...list(results)].join(' ');
    const known = this.#types.indexOf(key);
    return known >= 0 ? known : this.#types.push(key) - 1;
  }

  /** Index of an imported function. All are declared before the first function is added. */
  import(name: string, signature: Signature): number {
    return this.#imports.push({ name, type: this.#typeOf(signature) }) - 1;
  }

  /** Index of a function of the module. */
  add(writer: FunctionWriter): number {
    this.#typeOf(writer.signature);
    return this.#imports.length + this.#functions.push(writer) - 1;
  }

  /** The one function that the module exports, as `main`. */
  export(index: number): void {
    this.#exported = index;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const types = this.#types.map((key) => key.split(' ').map(Number));
    const imports = [
      [...text('host'), ...text('memory'), 2, 0, 1],
      ...this.#imports.map(({ name, type }) => [...text('host'), ...text(name), 0, ...leb(type)]),
    ];
    const declared = this.#functions.map(({ signature }) => leb(this.#typeOf(signature)));
    const exports = [[...text('main'), 0, ...leb(this.#exported)]];
    const bodies = this.#functions.map((writer) => {
      const body = writer.body();
      return leb(body.length).concat(body);
    });
    const parts = [
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, types),
      section(2, imports),
      section(3, declared),
      section(7, exports),
      section(10, bodies),
    ];
    const bytes = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** A section that is a list of entries. */
function section(id: number, entries: readonly number[][]): number[] {
  const content = leb(entries.length).concat(...entries);
  return [id, ...leb(content.length)].concat(content);
}

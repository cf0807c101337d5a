/** Puts functions together into the bytes of one WebAssembly module that imports its memory. */
import { leb, text, valueTypes } from './encoding.ts';
import type { FunctionWriter, Signature } from './function-writer.ts';

export class ModuleWriter {
  readonly #sharedPages: number | undefined;
  readonly #types: string[] = [];
  readonly #imports: { readonly name: string; readonly type: number }[] = [];
  readonly #functions: FunctionWriter[] = [];
  readonly #exports: { readonly name: string; readonly index: number }[] = [];
  /** Functions that are called by their place in the module's table. */
  readonly #table: number[] = [];

  /** @param sharedPages the most pages that a memory shared by threads may have; left out, the memory is not shared */
  constructor(sharedPages?: number) {
    this.#sharedPages = sharedPages;
  }

  /** Index of a signature, for calls through the table. */
  typeIndex(signature: Signature): number {
    return this.#typeOf(signature);
  }

  /** The place in the table of a function of the module. */
  tableIndex(index: number): number {
    const known = this.#table.indexOf(index);
    return known >= 0 ? known : this.#table.push(index) - 1;
  }

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

  /** Makes a function of the module one that it exports. */
  export(index: number, name = 'main'): void {
    this.#exports.push({ name, index });
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const types = this.#types.map((key) => key.split(' ').map(Number));
    const imports = [
      [...text('host'), ...text('memory'), 2, ...limits(1, this.#sharedPages)],
      ...this.#imports.map(({ name, type }) => [...text('host'), ...text(name), 0, ...leb(type)]),
    ];
    const declared = this.#functions.map(({ signature }) => leb(this.#typeOf(signature)));
    const exports = this.#exports.map(({ name, index }) => [...text(name), 0, ...leb(index)]);
    const places = this.#table.length;
    // references to functions, from the first place on
    const elements = [0, 0x41, 0, 0x0b, ...leb(places), ...this.#table.flatMap(leb)];
    const bodies = this.#functions.map((writer) => {
      const body = writer.body();
      return leb(body.length).concat(body);
    });
    const parts = [
      [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      section(1, types),
      section(2, imports),
      section(3, declared),
      ...(places > 0 ? [section(4, [[0x70, 0, ...leb(places)]])] : []),
      section(7, exports),
      ...(places > 0 ? [section(9, [elements])] : []),
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

/** Limits of a memory: at least so many pages, and where threads share it, at most so many. */
function limits(least: number, shared: number | undefined): number[] {
  return shared === undefined ? [0, ...leb(least)] : [3, ...leb(least), ...leb(shared)];
}

/** A section that is a list of entries. */
function section(id: number, entries: readonly number[][]): number[] {
  const content = leb(entries.length).concat(...entries);
  return [id, ...leb(content.length)].concat(content);
}

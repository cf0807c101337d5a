/** Engines that lack something: said in one sentence, or done without. */
import { jit } from '@neuralode/autodiff';
import { simd } from '@neuralode/backend-simd';
import { setBackend, type Tensor, tensor } from '@neuralode/tensor';
import { afterEach, describe, expect, it, vi } from 'vitest';

afterEach(() => vi.restoreAllMocks());

describe('an engine', () => {
  it('without SIMD is refused, with what to do', () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false);
    expect(() => simd()).toThrow(
      /simd: this engine has no WebAssembly with SIMD.*@neuralode\/backend-wasm/s,
    );
  });

  it('without WebAssembly, too', () => {
    vi.stubGlobal('WebAssembly', undefined);
    try {
      expect(() => simd()).toThrow(/simd: this engine has no WebAssembly with SIMD/);
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('without fused multiply-add multiplies and adds', async () => {
    const validate = WebAssembly.validate.bind(WebAssembly);
    let asked = 0;
    // the first question is for SIMD, the second for relaxed SIMD
    vi.spyOn(WebAssembly, 'validate').mockImplementation(
      (bytes) => asked++ === 0 && validate(bytes),
    );
    const backend = simd();
    expect(backend.fused).toBe(false);
    await setBackend(backend);
    const product = tensor([[1, 2]]).matMul(tensor([[3], [4]]));
    expect(Array.from(product.dataSync())).toEqual([11]);
  });
});

it('takes more tensors than a function may have parameters', async () => {
  // as a residual network of a hundred blocks has them
  await setBackend(simd());
  const count = 700;
  const given = Array.from({ length: count }, (_, i) => tensor([i, 1]));
  const spread = jit((all: readonly Tensor[]) =>
    all.map((each, i) => each.mul(all[count - 1 - i]!).add(1)),
  );
  for (let run = 0; run < 2; run++) {
    const results = await spread(given);
    expect(await Promise.all(results.map((each) => each.array()))).toEqual(
      given.map((_, i) => [i * (count - 1 - i) + 1, 2]),
    );
  }
});

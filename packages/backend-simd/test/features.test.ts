/** Engines that lack something: said in one sentence, or done without. */
import { simd } from '@neuralode/backend-simd';
import { setBackend, tensor } from '@neuralode/tensor';
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

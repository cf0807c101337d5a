export { type NodeGpuBackend, nodeGpu } from './node-gpu.ts';

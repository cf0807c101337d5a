/** Whether the addon is there to be tested. `npm run test:node-gpu` builds it, and then insists on it. */
import { createRequire } from 'node:module';

export const addonIsThere = isThere();

const insists = process.env.NEURALODE_TEST_NODE_GPU === '1';
if (insists && !addonIsThere) throw new Error('the addon was to be tested and cannot be found');

/** The name of the one test that stands in for those that did not run. */
export const didNotRun =
  'did not run: @tensorflow/tfjs-node-gpu is absent; npm run test:node-gpu builds it';
if (!addonIsThere) console.warn(`@neuralode/backend-node-gpu: ${didNotRun}`);

function isThere(): boolean {
  try {
    createRequire(import.meta.url).resolve('@tensorflow/tfjs-node-gpu');
    return true;
  } catch {
    return false;
  }
}

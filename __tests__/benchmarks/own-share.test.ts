import { expect, it } from '@jest/globals';
import { countOwnSamples, type Profile } from '../../benchmarks/inside/own-share.js';

const ROOT = 'file:///project/src/';
const node = (
  id: number,
  functionName: string,
  url: string,
  children: number[] = [],
): Profile['nodes'][number] => ({ id, callFrame: { functionName, url }, children });

/**
 * ```text
 * (root)
 *   fit
 *     scored loss (own)
 *       categoricalCrossentropy
 *         mul
 *       topKEntropy (own)
 *         runKernel
 *     mul
 *   (idle)
 *   saving (own)
 * ```
 */
const NODES = [
  node(1, '(root)', '', [2, 9, 10]),
  node(2, 'LayersModel.fit', 'file:///tfjs.js', [3, 8]),
  node(3, '', `${ROOT}tap.ts`, [4, 6]),
  node(4, 'categoricalCrossentropy', 'file:///tfjs.js', [5]),
  node(5, 'mul', 'file:///tfjs.js'),
  node(6, 'topKEntropy', `${ROOT}entropy.ts`, [7]),
  node(7, 'runKernel', 'file:///tfjs.js'),
  node(8, 'mul', 'file:///tfjs.js'),
  node(9, '(idle)', ''),
  node(10, 'save', `${ROOT}saving.ts`),
];

it.each([
  { samples: [3, 6, 7, 10], own: 4, total: 4 },
  // The wrapped loss would have been computed anyway.
  { samples: [4, 5], own: 0, total: 2 },
  { samples: [2, 8, 1], own: 0, total: 3 },
  { samples: [9, 9, 7], own: 1, total: 1 },
  { samples: [], own: 0, total: 0 },
])('of the samples $samples, $own of $total are of this package', ({ samples, own, total }) => {
  expect(countOwnSamples({ nodes: NODES, samples }, ROOT)).toEqual({ own, total });
});

it('counts what a wrapped function calls in this package', () => {
  const nodes = [
    node(1, '(root)', '', [2]),
    node(2, 'testLoop', `${ROOT}tap.ts`, [3]),
    node(3, 'LayersModel.testLoop', 'file:///tfjs.js', [4]),
    node(4, 'scoredLoss', `${ROOT}tap.ts`),
  ];
  expect(countOwnSamples({ nodes, samples: [2, 3, 4] }, ROOT)).toEqual({ own: 2, total: 3 });
});

it('does not count the hooks of the `CustomCallback` that `fit` would have made itself', () => {
  const nodes = [
    node(1, '(root)', '', [2]),
    node(2, 'onBatchEnd', `${ROOT}callback.ts`, [3]),
    node(3, 'CustomCallback.onBatchEnd', 'file:///tfjs.js', [4]),
    node(4, 'nextFrame', 'file:///tfjs.js'),
  ];
  expect(countOwnSamples({ nodes, samples: [2, 3, 4, 4] }, ROOT)).toEqual({ own: 1, total: 4 });
});

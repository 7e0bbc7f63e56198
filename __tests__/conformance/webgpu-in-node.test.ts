import { describeConformance } from './describe-conformance.js';

describeConformance({ place: 'node', backend: 'webgpu' }, { tolerance: 1e-5 });

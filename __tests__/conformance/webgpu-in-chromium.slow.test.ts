import { describeConformance } from './describe-conformance.js';

describeConformance({ runtime: 'chromium', backend: 'webgpu' }, { tolerance: 1e-5 });

import { loadCode } from '../platform/load-code.js';

/** Relative to the single file, in the folder of the build. */
const CHARTS = ['.', 'esm', 'report', 'charts.js'];
const REMEDY =
  'A report needs the file esm/report/charts.js of the build beside this one, and cannot be made in a service worker.';

/**
 * Takes the place of `load-charts.ts` in the builds of a single file. Their charts stay in the file beside it. A bundler
 * doesn't follow this import: it would have to split the code, which isn't possible everywhere.
 */
export function loadCharts(): Promise<typeof import('./charts.js')> {
  const address = CHARTS.join('/');
  return loadCode(import(/* @vite-ignore */ /* webpackIgnore: true */ address), REMEDY);
}

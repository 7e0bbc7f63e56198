import { loadCode } from '../platform/load-code.js';

/** Loads the charts, with the plotting library, when a report is asked for. */
export function loadCharts(): Promise<typeof import('./charts.js')> {
  return loadCode(import('./charts.js'));
}

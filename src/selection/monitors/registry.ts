import type { ComparingMonitor } from './comparing-monitor.js';
import { consensus } from './consensus.js';
import { labelWave } from './label-wave.js';

/** The comparing monitors, by the name that a user gives as `monitor`. */
export const COMPARING_MONITORS: Readonly<Record<string, ComparingMonitor>> = {
  consensus,
  label_wave: labelWave,
};

import type { ComparingMonitor } from './comparing-monitor.js';
import { consensus } from './consensus.js';
import { labelWave } from './label-wave.js';

/** The comparing monitors, by the value of the option `monitor`. */
export const COMPARING_MONITORS: Readonly<Record<string, ComparingMonitor>> = {
  consensus,
  label_wave: labelWave,
};

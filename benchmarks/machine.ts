import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly tfjs: string;
  readonly backend: string;
}

/** What a figure is worth nothing without. */
export function describeMachine(): Machine {
  const cores = cpus();
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    node: process.version,
    tfjs: tf.version.tfjs,
    backend: tf.getBackend(),
  };
}

import { Session } from 'node:inspector/promises';
import type { ContenderName } from '../names.js';
import { runFit } from './fit.js';
import { countOwnSamples, type SampleCount } from './own-share.js';

const SOURCES = new URL('../../src/', import.meta.url).href;
const INTERVAL_MICROSECONDS = 100;

/** Profiles one `fit`. In Node only. @param folder where the contender stores, if it does. */
export async function profileFit(name: ContenderName, folder: string | null): Promise<SampleCount> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_MICROSECONDS });
    const profile = await runFit(name, folder, async (fit) => {
      await session.post('Profiler.start');
      await fit();
      return (await session.post('Profiler.stop')).profile;
    });
    return countOwnSamples(profile, SOURCES);
  } finally {
    session.disconnect();
  }
}

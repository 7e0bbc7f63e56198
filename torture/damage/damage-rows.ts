import type { RowSpec } from '../tally.js';

export const DAMAGE_ROWS = {
  tried: { what: 'files damaged: bit flipped, zeroed, cut short, longer, exchanged, removed' },
  refused: { what: '… loading its slot: an error', wanted: 'some' },
  gone: { what: '… loading its slot: nothing stored, because its manifest was removed', wanted: 'some' },
  undetected: { what: '… loading its slot: no error', wanted: 'none' },
  unconcerned: { what: '… loading the best: the best, which does not need that file', wanted: 'some' },
  nextBest: { what: '… loading the best: the next best, with a warning', wanted: 'some' },
  bestRefused: { what: '… loading the best: an error' },
  wrong: { what: '… loading either: a wrong result', wanted: 'none' },
  unclear: { what: 'errors and warnings that do not name the damaged file', wanted: 'none' },
  repaired: {
    what: 'trainings continued in the damaged folder, and everything whole afterwards',
    wanted: 'some',
  },
  movedAway: { what: '… once the file had been removed, as an error had requested' },
  stillDamaged: { what: 'trainings after which something was still damaged', wanted: 'none' },
  notTrained: { what: 'trainings that the damage stopped', wanted: 'none' },
} as const satisfies Record<string, RowSpec>;

export type DamageRow = keyof typeof DAMAGE_ROWS;

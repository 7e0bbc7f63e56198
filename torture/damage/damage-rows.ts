import type { RowSpec } from '../tally.js';

export const DAMAGE_ROWS = {
  tried: { what: 'files damaged: a bit, zeros, cut, longer, exchanged, removed' },
  refused: { what: '… and the slot that needs it refused with an error', wanted: 'some' },
  gone: { what: '… or not there, as it was the file that names it', wanted: 'some' },
  undetected: { what: '… or loaded', wanted: 'none' },
  unconcerned: { what: 'the best loaded, which did not need the damaged file', wanted: 'some' },
  nextBest: { what: '… or the next that is whole in its place, with a warning', wanted: 'some' },
  bestRefused: { what: '… or nothing, with an error' },
  wrong: { what: '… or anything else', wanted: 'none' },
  unclear: { what: 'errors and warnings that do not name the damaged file', wanted: 'none' },
  mended: { what: 'trainings resumed or begun anew there, after which all was whole', wanted: 'some' },
  movedAway: { what: '… when the file had been moved away, as an error had asked for' },
  stillDamaged: { what: 'trainings after which there was still damage', wanted: 'none' },
  notTrained: { what: 'trainings that the damage stopped', wanted: 'none' },
} as const satisfies Record<string, RowSpec>;

export type DamageRow = keyof typeof DAMAGE_ROWS;

/**
 * Whether a suite searches as long as it can: in its `.slow.test.ts`, which sets `THOROUGH`. In `npm test` it takes a
 * sample.
 */
export const IS_THOROUGH = process.env['THOROUGH'] === '1';

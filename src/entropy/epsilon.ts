/** Added to every probability before its logarithm, as the original does: keeps 0·ln 0 finite. */
export const EPSILON = 1e-10;

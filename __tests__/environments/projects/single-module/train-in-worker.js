/** A worker has no import map. */
export const trainInWorker = null;

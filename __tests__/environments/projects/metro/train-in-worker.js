/** Metro makes one bundle. */
export const trainInWorker = null;

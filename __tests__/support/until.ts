import { pause } from './pause.js';

/** Resolves when `condition` holds. Waits without a limit: the test's limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  do await turns(1);
  while (!condition());
}

/** As `until`, for what another process does: it takes no core meanwhile. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause();
}

/** Lets everything run that waits for no event from outside. */
export async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

/** Whether a promise has settled after a while. Use it to show that one hasn't: false can be wrong, true can't. */
export async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  promise.then(settle, settle);
  await turns();
  return isSettled;
}

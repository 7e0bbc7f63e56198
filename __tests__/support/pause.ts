/** Waits. The default is long enough for any work that doesn't wait for an event. */
export function pause(ms = 50): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

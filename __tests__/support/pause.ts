/** Long enough for everything that does not wait for something else. */
export function pause(ms = 50): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

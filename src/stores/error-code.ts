/** Whether an error of the operating system has one of these codes. `instanceof Error` fails across realms. */
export function hasErrorCode(error: unknown, ...codes: string[]): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && codes.includes(String(error.code));
}

/** Runs `action` and collects what `console.warn` is called with in this process meanwhile, instead of printing it. */
export async function watchWarnings<T>(action: (warnings: string[]) => Promise<T>): Promise<T> {
  const warnings: string[] = [];
  const { warn } = console;
  console.warn = (text: string) => void warnings.push(text);
  try {
    return await action(warnings);
  } finally {
    console.warn = warn;
  }
}

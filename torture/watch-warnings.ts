/** What this package has warned of in this process, while `action` runs. */
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

/** Hands a file to the user. */
export function download(name: string, content: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has begun by then to read it.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

/** Downloads a file that the page has made. */
export function download(name: string, content: string, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // By then, the browser has begun to read it.
  setTimeout(() => {
    URL.revokeObjectURL(url);
  }, 10_000);
}

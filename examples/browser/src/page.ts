/** An element of index.html. */
export function element<T extends HTMLElement>(id: string, type: abstract new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`Expected a ${type.name} with the id "${id}" in the page.`);
}

export function setText(id: string, text: string): void {
  const target = element(id, HTMLElement);
  // Setting the same text again would make a screen reader read it again.
  if (target.textContent !== text) target.textContent = text;
}

export function button(id: string, onClick: () => void | Promise<void>): HTMLButtonElement {
  const found = element(id, HTMLButtonElement);
  found.addEventListener('click', () => void onClick());
  return found;
}

/** Sets a text that marks code with backticks. */
export function setProse(id: string, text: string): void {
  const parts = text.split('`').map((part, index) => {
    if (index % 2 === 0) return part;
    const code = document.createElement('code');
    code.textContent = part;
    return code;
  });
  element(id, HTMLElement).replaceChildren(...parts);
}

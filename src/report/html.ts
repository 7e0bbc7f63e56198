/** Text that is HTML already. */
export interface Html {
  readonly text: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template that escapes its values, unless they are HTML or a list of it. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | Html | Html[])[]): Html {
  const texts = values.map((value) => {
    if (typeof value === 'string') return value.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
    return Array.isArray(value) ? value.map(({ text }) => text).join('\n') : value.text;
  });
  return raw(String.raw({ raw: strings }, ...texts));
}

/** Text that is known to be HTML. */
export function raw(text: string): Html {
  return { text };
}

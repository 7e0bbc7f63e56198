/** What `--only` chooses among, in the order in which they are run. */
export const PARTS = ['kill', 'disk-full', 'damage'] as const;
export type Part = (typeof PARTS)[number];

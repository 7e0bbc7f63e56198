/** The parts that `--only` selects from, in the order in which they run. */
export const PARTS = ['kill', 'disk-full', 'calls', 'damage'] as const;
export type Part = (typeof PARTS)[number];

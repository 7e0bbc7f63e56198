/** A limit that this project promises for a figure. */
export interface Bound {
  readonly figure: string;
  readonly expected: string;
  readonly got: string;
  readonly isMet: boolean;
}

export function atMost(figure: string, value: number, limit: number, digits: number): Bound {
  return { figure, expected: `at most ${limit}`, got: value.toFixed(digits), isMet: value <= limit };
}

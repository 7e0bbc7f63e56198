/** What this project has promised of a figure. */
export interface Bound {
  readonly of: string;
  readonly expected: string;
  readonly got: string;
  readonly isHeld: boolean;
}

export function atMost(of: string, value: number, most: number, digits: number): Bound {
  return { of, expected: `at most ${most}`, got: value.toFixed(digits), isHeld: value <= most };
}

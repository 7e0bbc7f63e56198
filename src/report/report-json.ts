import type { EpochRecord } from '../epoch-record.js';
import { epochTable, namesOf, type EpochTable } from './epoch-table.js';
import { explain, type Outcome } from './explain.js';
import { headline, isShare, percent } from './headline.js';
import { panelsOf, type Curve, type Panel } from './panels.js';
import { capitalized, inWords, monitorInWords } from './readable-names.js';
import { rangeOf, positionsToPlot, type Point } from './thinning.js';

/** What a report shows, as plain data: `report({ format: 'json' })`. */
export interface ReportJson {
  /** The title of the page. */
  readonly title: string;
  /** The result in one line: which epoch was kept, and what that gained over the last one. */
  readonly headline: string;
  /** Why it was kept, and what casts doubt on it, as `explain()` says it. */
  readonly explanation: string;
  /** The best epoch; null for none. */
  readonly best: EpochRecord | null;
  /** How the epoch was selected and what it reached, as pairs for people. */
  readonly facts: readonly ReportFact[];
  /** The monitored values first. */
  readonly charts: readonly ReportChart[];
  /** The values of the epochs; empty before the first. */
  readonly table: EpochTable;
}

/** A fact for people, such as `Epochs` and `15`. */
export interface ReportFact {
  /** What it's about. */
  readonly name: string;
  /** What it is, with its unit. */
  readonly value: string;
}

/** Curves that share a chart. */
export interface ReportChart {
  /** What the curves show, such as `Accuracy`. */
  readonly title: string;
  /** `'nats'`, or empty. */
  readonly unit: string;
  /** At least one. */
  readonly curves: readonly ReportCurve[];
}

/** The values of a name by epoch. */
export interface ReportCurve {
  /** Its name in the legend, such as `validation`. */
  readonly name: string;
  /** Whether the epochs were compared by these values. */
  readonly isMonitored: boolean;
  /** The values as a sentence. */
  readonly description: string;
  /**
   * The position of an epoch in `history`, and its value; null where it has none. Beyond some 3,000 epochs, only the
   * first, lowest, highest and last value of each column of pixels.
   */
  readonly points: readonly (readonly [position: number, value: number | null])[];
}

/** How many columns a curve of a long training has. */
const COLUMNS = 800;

export function reportJson(outcome: Outcome, title: string): ReportJson {
  const { history } = outcome.selector;
  const { table, ...texts } = textsOf(outcome, title);
  const charts = panelsOf(history, outcome.monitor).map((panel) => chartJson(panel, history));
  return { ...texts, charts, table };
}

/** Everything but the charts, which a page draws. */
export function textsOf(outcome: Outcome, title: string): Omit<ReportJson, 'charts'> {
  const { best, history } = outcome.selector;
  return {
    title,
    headline: headline(outcome),
    explanation: explain(outcome),
    best,
    facts: factsOf(outcome),
    table: history.length === 0 ? { columns: [], rows: [] } : epochTable(outcome),
  };
}

function factsOf({ selector: { best, history }, monitor, options }: Outcome): ReportFact[] {
  const { startFromEpoch, filepath } = options;
  const extreme = monitor.mode === 'max' ? 'highest' : 'lowest';
  const facts: ReportFact[] = [
    { name: 'Epochs', value: String(history.length) },
    {
      name: 'Selected by',
      value: monitor.comparing === null ? `${extreme} ${monitorInWords(monitor)}` : monitor.name,
    },
  ];
  if (best?.isAveraged === true) facts.push({ name: 'Kept weights', value: 'averaged over the last steps' });
  if (best !== null) facts.push(...accuracyFacts(best, history.at(-1)!));
  if (startFromEpoch > 0) {
    facts.push({ name: 'Never selected', value: `epochs before ${startFromEpoch} (shaded)` });
  }
  const place = typeof filepath === 'string' ? filepath : 'in a store';
  return [...facts, { name: 'Stored', value: filepath === null ? 'in memory' : place }];
}

/** How many accuracies are named above the charts. */
const MAX_ACCURACIES = 4;

/** The accuracies of the kept epoch on labels that weren't trained on. */
function accuracyFacts(best: EpochRecord, last: EpochRecord): ReportFact[] {
  const names = Object.keys(best.logs).filter((name) => /^(val|test)_(.*_)?acc(uracy)?$/.test(name));
  const facts = names.flatMap((name) => {
    const [value, lastValue] = [best.logs[name], last.logs[name]];
    if (!isShare(value)) return [];
    const compared = last !== best && isShare(lastValue) ? `; last epoch ${percent(lastValue)}` : '';
    return [{ name: capitalized(inWords(name)), value: `${percent(value)}${compared}` }];
  });
  return facts.slice(0, MAX_ACCURACIES);
}

function chartJson({ title, unit, curves }: Panel, history: readonly EpochRecord[]): ReportChart {
  const nameOf = namesOf(history);
  return {
    title,
    unit,
    curves: curves.map((curve) => ({
      name: curve.name,
      isMonitored: curve.isMonitored,
      description: describe(curve, (position) => nameOf(history[position]!)),
      points: positionsToPlot(curve.values, COLUMNS).map((position) => {
        const value = curve.values[position]!;
        return [position, Number.isNaN(value) ? null : value] as const;
      }),
    })),
  };
}

/** Describes a curve in words. */
export function describe({ name, values }: Curve, nameAt: (position: number) => string): string {
  const { first, last, lowest, highest, count } = rangeOf(values)!;
  const at = ({ value, position }: Point): string =>
    `${String(Number(value.toPrecision(4)))} (epoch ${nameAt(position)})`;
  const start = capitalized(name);
  if (count === 1) return `${start}: ${at(first)}.`;
  return `${start}: from ${at(first)} to ${at(last)}; lowest ${at(lowest)}, highest ${at(highest)}.`;
}

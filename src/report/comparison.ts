import { checkOptions, type OptionCheck } from '../check-options.js';
import type { EpochRecord } from '../epoch-record.js';
import type { ChartFrame } from './charts.js';
import { checkTrainings, type CheckedTraining } from './check-trainings.js';
import { comparisonTable, comparedHeadline } from './comparison-table.js';
import { loggedNames, loggedValue } from './columns.js';
import { diamondKey, keyOf, styleOf } from './curve-styles.js';
import { figureOf } from './figure.js';
import { html, type Html } from './html.js';
import { loadCharts } from './load-charts.js';
import { DEFAULT_TITLE, pageOf, TITLE_CHECK } from './page.js';
import { finite, hasValues, type Panel } from './panels.js';
import { capitalized, inWords } from './readable-names.js';

/** Options of `compareReports`. */
export interface ComparisonOptions {
  /** The page's title. @default 'Entropy checkpoint' */
  readonly title?: string;
}

const CHECKS: Readonly<Record<keyof ComparisonOptions, OptionCheck>> = {
  title: TITLE_CHECK,
};

/** How many columns of pixels all curves of a chart may take together, so that no page grows beyond a few MB. */
const MAX_COLUMNS = 1400;

/** A page that compares trainings. It throws like `compareReports`. */
export async function comparison(trainings: unknown, options: ComparisonOptions = {}): Promise<string> {
  checkOptions(options, CHECKS);
  const checked = checkTrainings(trainings);
  const { title = DEFAULT_TITLE } = options;
  return pageOf(
    title,
    comparedHeadline(checked),
    html`${comparisonTable(checked)} ${await figuresOf(checked)}`,
  );
}

async function figuresOf(trainings: readonly CheckedTraining[]): Promise<Html[]> {
  const { chartOf } = await loadCharts();
  const frame: ChartFrame = {
    numEpochs: Math.max(...trainings.map(({ history }) => history.length)),
    nameAt: String,
    kept: null,
    allKept: [],
    saved: [],
    ineligible: 0,
    maxColumns: Math.floor(MAX_COLUMNS / trainings.length),
  };
  return panelsOf(trainings).map((panel, i) => {
    const legend = panel.curves.map(({ name, style }) => [keyOf(styleOf(style)), name] as const);
    const figure = { legend: [...legend, [diamondKey('var(--ink)'), 'kept'] as const], notes: [] };
    return figureOf(panel, frame, figure, (width) =>
      chartOf(`chart${i}-${width}`, panel, frame, null, width),
    );
  });
}

type ValueOf = (record: EpochRecord) => number | null | undefined;

/** A panel for each value: the monitored one, those of validation and test labels, the entropies, the others. */
function panelsOf(trainings: readonly CheckedTraining[]): Panel[] {
  const names = new Set(trainings.flatMap(({ history }) => [...loggedNames(history)]));
  const logged = [...names].map((name): [string, ValueOf] => [name, (record) => loggedValue(record, name)]);
  const values: [string, ValueOf][] = [
    ...logged,
    ['entropy', ({ entropy }) => entropy],
    ['monitored value', ({ value }) => value],
  ];
  const monitors = new Set(trainings.map(({ monitor }) => monitor));
  const rank = (name: string): number => {
    if (monitors.has(name)) return 0;
    return /^(val|test)_.*acc/.test(name) ? 1 : /^(val|test)_/.test(name) ? 2 : 3;
  };
  // A monitored value that has a panel already isn't shown twice. A history alone doesn't say what was monitored.
  const isShown = ([name, valueOf]: (typeof values)[number]): boolean =>
    name !== 'monitored value' ||
    (![...monitors].every((one) => one !== null && (names.has(one) || one === 'entropy')) &&
      !values.some((other) => other[0] !== name && areEqual(valueOf, other[1], trainings)));
  return values
    .filter(isShown)
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([name, valueOf]) => panelOf(name, valueOf, trainings))
    .filter(({ curves }) => curves.length > 0);
}

/** Whether all epochs have the same values. */
function areEqual(one: ValueOf, other: ValueOf, trainings: readonly CheckedTraining[]): boolean {
  return trainings.every(({ history }) =>
    history.every((record) => Object.is(finite(one(record)), finite(other(record)))),
  );
}

function panelOf(name: string, valueOf: ValueOf, trainings: readonly CheckedTraining[]): Panel {
  const curves = trainings.map((training, style) => ({
    name: training.name,
    isMonitored: false,
    keptAt: training.keptAt,
    style,
    values: Float64Array.from(training.history, (record) => finite(valueOf(record))),
  }));
  return {
    title: capitalized(inWords(name)),
    unit: name === 'entropy' ? 'nats' : '',
    curves: curves.filter(hasValues),
  };
}

import { AVERAGE_NAMES, DEFAULT_AVERAGE, type AverageName } from './averages.js';
import { NOISES, type NoiseName } from './data/label-noise.js';
import { KEEL_TASKS } from './data/keel.js';
import { NUM_CLASSES_OF, TASKS, type TaskName } from './data/tasks.js';
import { NETWORKS, type NetworkName } from './networks.js';

export const OPTIMIZERS = ['adam-small', 'adam-large', 'sgd-small', 'sgd-large'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** How the learning rate changes from epoch to epoch. */
export const SCHEDULES = ['constant', 'cosine', 'step'] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** One training. */
export interface Cell {
  readonly task: TaskName;
  readonly noise: NoiseName;
  readonly network: NetworkName;
  readonly optimizer: OptimizerName;
  readonly seed: number;
  /** Absent: constant. */
  readonly schedule?: ScheduleName;
}

export const EPOCHS = 30;
/** Texts start at seed 4: the results of seeds 1 to 3 were seen before their sampling was fixed (README.md). */
const TEXT_SEEDS = [4, 5, 6];
const SEEDS = [1, 2, 3];
const isText = (task: TaskName): boolean =>
  task === 'languages' || task === 'glosses' || task === 'parts-of-speech';
const seedsOf = (task: TaskName): readonly number[] => (isText(task) ? TEXT_SEEDS : SEEDS);

/** Rules are selected on these tasks and evaluated on the others. */
export const TUNING_TASKS: readonly TaskName[] = ['mnist', 'languages'];
/** Nobody had looked at these before the third round. */
export const FRESH_TASKS: readonly TaskName[] = KEEL_TASKS;

const IMAGE_OPTIMIZERS = {
  dense: OPTIMIZERS,
  dropout: ['adam-small', 'sgd-large'],
  conv: ['adam-large', 'sgd-small'],
} as const;
/** Fewer than for images: texts have larger inputs, and train more slowly. */
const TEXT_OPTIMIZERS = { dense: ['adam-large', 'sgd-small'], dropout: ['adam-small'] } as const;
const LETTER_OPTIMIZERS = { ...TEXT_OPTIMIZERS, recurrent: ['adam-large'] } as const;

const TABLE_OPTIMIZERS = {
  dense: ['adam-large', 'sgd-small'],
  dropout: ['adam-small', 'sgd-large'],
} as const;

const OPTIMIZERS_OF: Record<TaskName, Partial<Record<NetworkName, readonly OptimizerName[]>>> = {
  mnist: IMAGE_OPTIMIZERS,
  'fashion-mnist': IMAGE_OPTIMIZERS,
  languages: LETTER_OPTIMIZERS,
  glosses: TEXT_OPTIMIZERS,
  'parts-of-speech': LETTER_OPTIMIZERS,
  marketing: TABLE_OPTIMIZERS,
  mushroom: TABLE_OPTIMIZERS,
  phoneme: TABLE_OPTIMIZERS,
  segment: TABLE_OPTIMIZERS,
  splice: TABLE_OPTIMIZERS,
};

/** Trained with learning rates that fall as well: the plain dense network, on images and tables. */
const FALLING_SCHEDULES: readonly ScheduleName[] = ['cosine', 'step'];
const FALLING_OPTIMIZER: OptimizerName = 'adam-large';
const FALLING_NOISES: readonly NoiseName[] = ['none', 'symmetric-40', 'pair-45'];

/** For every network but the plain dense one. */
const FEWER_NOISES: readonly NoiseName[] = ['none', 'symmetric-40', 'symmetric-60', 'pair-45', 'instance-30'];

/** With two classes and more wrong labels than right ones, the task would be reversed. */
const isPossible = (task: TaskName, noise: NoiseName): boolean =>
  NUM_CLASSES_OF[task] > 2 || noise !== 'symmetric-60';

const noisesFor = (task: TaskName, network: NetworkName): NoiseName[] =>
  NOISES.filter((noise) => isPossible(task, noise) && (network === 'dense' || FEWER_NOISES.includes(noise)));

/**
 * The tuning tasks come first, and those that nobody had looked at second. The others alternate by seed, so that an
 * interrupted grid has some of every task.
 */
export function fullGrid(): Cell[] {
  const others = TASKS.filter((task) => !TUNING_TASKS.includes(task) && !FRESH_TASKS.includes(task));
  return [...TUNING_TASKS.map((task) => [task]), FRESH_TASKS, others].flatMap((tasks) =>
    SEEDS.flatMap((_, nth) => tasks.flatMap((task) => cellsOf(task, seedsOf(task)[nth]!))),
  );
}

function cellsOf(task: TaskName, seed: number): Cell[] {
  const constant = NETWORKS.flatMap((network) =>
    (OPTIMIZERS_OF[task][network] ?? []).flatMap((optimizer) =>
      noisesFor(task, network).map((noise) => ({ task, noise, network, optimizer, seed })),
    ),
  );
  const falling = FALLING_SCHEDULES.flatMap((schedule) =>
    FALLING_NOISES.map((noise): Cell => ({
      task,
      noise,
      network: 'dense',
      optimizer: FALLING_OPTIMIZER,
      seed,
      schedule,
    })),
  );
  return isText(task) || averagesOf({ task, seed }).length === 0 ? constant : [...constant, ...falling];
}

/**
 * The averages that are recorded: all of them for the first seed of the tuning tasks, and the default one elsewhere. The
 * last seed of the tasks of the first rounds has none, but for MNIST: its trainings are not repeated.
 */
export function averagesOf({ task, seed }: Pick<Cell, 'task' | 'seed'>): readonly AverageName[] {
  const nth = seedsOf(task).indexOf(seed);
  if (nth === SEEDS.length - 1 && task !== 'mnist' && !FRESH_TASKS.includes(task)) return [];
  return nth === 0 && TUNING_TASKS.includes(task) ? AVERAGE_NAMES : [DEFAULT_AVERAGE];
}

export function scheduleOf({ schedule }: Cell): ScheduleName {
  return schedule ?? 'constant';
}

const QUICK_OPTIMIZER = { dropout: 'adam-small', conv: 'adam-large', recurrent: 'adam-large' } as const;

/** A small part of the full grid, with every task and network. */
export function quickGrid(): Cell[] {
  const isQuick = ({ task, noise, network, optimizer, seed, schedule }: Cell): boolean =>
    schedule === undefined &&
    seed === seedsOf(task)[0] &&
    !FRESH_TASKS.includes(task) &&
    (task === 'mnist' || task === 'parts-of-speech' || network === 'dense') &&
    (network === 'dense'
      ? optimizer === 'adam-large' && (noise === 'none' || noise === 'symmetric-40')
      : noise === 'symmetric-40' && optimizer === QUICK_OPTIMIZER[network]);
  return fullGrid().filter(isQuick);
}

/** `mnist/symmetric-40/dense/adam-small/1`, with `/cosine` if the learning rate falls. */
export function cellId({ task, noise, network, optimizer, seed, schedule }: Cell): string {
  return [task, noise, network, optimizer, seed, ...(schedule === undefined ? [] : [schedule])].join('/');
}

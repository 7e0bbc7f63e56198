import { NOISES, type NoiseName } from './data/label-noise.js';
import { TASKS, type TaskName } from './data/tasks.js';
import { NETWORKS, type NetworkName } from './networks.js';

export const OPTIMIZERS = ['adam-small', 'adam-large', 'sgd-small', 'sgd-large'] as const;
export type OptimizerName = (typeof OPTIMIZERS)[number];

/** One training. */
export interface Cell {
  readonly task: TaskName;
  readonly noise: NoiseName;
  readonly network: NetworkName;
  readonly optimizer: OptimizerName;
  readonly seed: number;
}

export const EPOCHS = 30;
/** Seeds 1 to 3 of the texts were seen before their rows were drawn anew: README.md tells. */
const SEEDS_OF: Record<TaskName, readonly number[]> = {
  mnist: [1, 2, 3],
  'fashion-mnist': [1, 2, 3],
  languages: [4, 5, 6],
  glosses: [4, 5, 6],
  'parts-of-speech': [4, 5, 6],
};
/** Rules are chosen on them, and evaluated on the others. */
export const TUNING_TASKS: readonly TaskName[] = ['mnist', 'languages'];

const IMAGES = {
  dense: OPTIMIZERS,
  dropout: ['adam-small', 'sgd-large'],
  conv: ['adam-large', 'sgd-small'],
} as const;
/** Fewer, as their inputs are larger, and take longer. */
const TEXTS = { dense: ['adam-large', 'sgd-small'], dropout: ['adam-small'] } as const;
const LETTERS = { ...TEXTS, recurrent: ['adam-large'] } as const;

const OPTIMIZERS_OF: Record<TaskName, Partial<Record<NetworkName, readonly OptimizerName[]>>> = {
  mnist: IMAGES,
  'fashion-mnist': IMAGES,
  languages: LETTERS,
  glosses: TEXTS,
  'parts-of-speech': LETTERS,
};

/** Of networks other than the plain one. */
const FEWER_NOISES: readonly NoiseName[] = ['none', 'symmetric-40', 'symmetric-60', 'pair-45', 'instance-30'];

/** With two classes, more wrong labels than right ones would be another task. */
const isPossible = (task: TaskName, noise: NoiseName): boolean =>
  task !== 'parts-of-speech' || noise !== 'symmetric-60';

const noisesFor = (task: TaskName, network: NetworkName): NoiseName[] =>
  NOISES.filter((noise) => isPossible(task, noise) && (network === 'dense' || FEWER_NOISES.includes(noise)));

/** The part on which rules are chosen comes first; what is cut short after it has something of everything. */
export function fullGrid(): Cell[] {
  const heldOut = TASKS.filter((task) => !TUNING_TASKS.includes(task));
  return [...TUNING_TASKS.map((task) => [task]), heldOut].flatMap((tasks) =>
    [0, 1, 2].flatMap((nth) => tasks.flatMap((task) => cellsOf(task, SEEDS_OF[task][nth]!))),
  );
}

function cellsOf(task: TaskName, seed: number): Cell[] {
  return NETWORKS.flatMap((network) =>
    (OPTIMIZERS_OF[task][network] ?? []).flatMap((optimizer) =>
      noisesFor(task, network).map((noise) => ({
        task,
        noise,
        network,
        optimizer,
        seed,
      })),
    ),
  );
}

const FIRST_OPTIMIZER = { dropout: 'adam-small', conv: 'adam-large', recurrent: 'adam-large' } as const;

/** A few of the full grid, of every task and network. */
export function quickGrid(): Cell[] {
  const isQuick = ({ task, noise, network, optimizer, seed }: Cell): boolean =>
    seed === SEEDS_OF[task][0] &&
    (task === 'mnist' || task === 'parts-of-speech' || network === 'dense') &&
    (network === 'dense'
      ? optimizer === 'adam-large' && (noise === 'none' || noise === 'symmetric-40')
      : noise === 'symmetric-40' && optimizer === FIRST_OPTIMIZER[network]);
  return fullGrid().filter(isQuick);
}

/** `mnist/symmetric-40/dense/adam-small/1` */
export function cellId({ task, noise, network, optimizer, seed }: Cell): string {
  return [task, noise, network, optimizer, seed].join('/');
}

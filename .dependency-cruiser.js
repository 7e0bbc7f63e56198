// The rooms of `src/` in the direction of the data. Each may import itself, the rooms after it, and the base: what every
// room may use. Joins, such as the two public classes, import any of them. See CONTRIBUTING.md.

const ROOMS = [
  'predictions',
  'scoring',
  'entropy',
  'selection',
  'averaging',
  'state',
  'saving',
  'format',
  'stores',
  'platform',
];

/** Files in `src/` itself that know no room. */
const BASE = ['check-options', 'epoch-record', 'errors', 'tfjs-internals', 'warnings'];
const base = `^src/(${BASE.join('|')})\\.ts$`;

/** @type {import('dependency-cruiser').IForbiddenRuleType[]} */
const roomRules = ROOMS.map((room, i) => ({
  name: `${room}-imports-what-comes-after-it`,
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: '^src/', pathNot: [base, `^src/(${ROOMS.slice(i).join('|')})/`] },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...roomRules,
    {
      // It describes a training and is told everything that it needs.
      name: 'report-imports-selection',
      severity: 'error',
      from: { path: '^src/report/' },
      to: { path: '^src/', pathNot: [base, '^src/(report|selection|platform)/'] },
    },
    {
      name: 'base-imports-base',
      severity: 'error',
      from: { path: base },
      to: { path: '^src/', pathNot: [base] },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'every-file-is-used',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/(index\\.ts|stores/s3/index\\.ts|stores/browser-stores\\.ts)$',
        orphan: true,
      },
      to: {},
    },
    {
      name: 'no-unresolvable-imports',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Imports of types count, too.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { conditionNames: ['node', 'import', 'types', 'default'] },
  },
};

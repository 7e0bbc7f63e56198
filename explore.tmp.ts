import { TrajectoryFile, withoutTest, type Trajectory } from './study/trajectories.js';
import { regretOf } from './study/evaluation/regret.js';
import type { Rule } from './study/rules/rule.js';
import { consensus } from './study/rules/consensus.js';
const all = new TrajectoryFile('study/trajectories.jsonl.gz').read();
const tuning = all.filter(({ cell }) => ['mnist', 'languages'].includes(cell.task));
const patience = 7, weight = 1;
type S = any;
const dissent = (s: S): (number | null)[] => s['val-averaged-changes'].map((c: number | null, e: number) =>
  c === null ? null : c + weight * ((s['val-entropy'][e - 1] + s['val-entropy'][e]) / 2 - s['running-entropy'][e]));
type Guard = (s: S, e: number) => boolean;
const guarded = (name: string, guard: Guard, p = patience): Rule => ({ name, needs: 'tap', choose: (s: S) => {
  const d = dissent(s); let best = -1, bestV = Infinity, since = 0;
  for (let e = 0; e < d.length; e++) { if (d[e] === null || !guard(s, e)) continue;
    if (d[e]! < bestV) { bestV = d[e]!; best = e; since = 0; } else if (++since >= p) break; }
  return best < 0 ? (d.length - 1) : best; } });
const argmaxTo = (x: number[], e: number) => { let b = 0; for (let i = 0; i <= e; i++) if (x[i]! > x[b]!) b = i; return b; };
const mi = (s: S, e: number) => s['val-marginal-entropy'][e] - s['val-full-entropy'][e];
const rules: Rule[] = [
  consensus(1, 7), guarded('none', () => true),
  guarded('after peak train', (s, e) => e > argmaxTo(s['running-entropy'], e)),
  guarded('from peak train', (s, e) => e >= argmaxTo(s['running-entropy'], s['running-entropy'].length - 1) ),
  guarded('after peak val', (s, e) => e > argmaxTo(s['val-entropy'], e)),
  guarded('changes below own max', (s, e) => e > argmaxTo(s['val-averaged-changes'].map((v: any) => v ?? -1), e)),
  ...[0.1, 0.2, 0.3, 0.5].map((t) => guarded(`mi >= ${t}`, (s, e) => mi(s, e) >= t)),
  ...[0.3, 0.5, 0.7, 0.8, 0.9].map((t) => guarded(`mi >= ${t} max so far`, (s, e) => mi(s, e) >= t * Math.max(...Array.from({ length: e + 1 }, (_, i) => mi(s, i))))),
  ...[0.5, 0.7, 0.9].map((t) => guarded(`marginal >= ${t} of max`, (s, e) => s['val-marginal-entropy'][e] >= t * Math.max(...s['val-marginal-entropy'].slice(0, e + 1)))),
];
for (const r of rules) {
  const out = [r.name.padEnd(40)];
  for (const part of ['mnist', 'languages', '']) {
    const t = tuning.filter(({ cell }) => part === '' || cell.task === part); if (t.length === 0) continue;
    const g = t.map((x) => regretOf(r, x));
    out.push(`${part || 'all'} ${(g.reduce((a, b) => a + b, 0) / g.length).toFixed(2)} w${Math.max(...g).toFixed(1)}`);
  }
  console.log(out.join(' | '));
}

/** The style sheet of a report: light, dark and print, at any width. Its colours hold for people with colour blindness. */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c1f24; --quiet: #565d68; --faint: #dfe3e8;
  --first: #0b4a94; --second: #b45309; --third: #7c3aed; --kept: #0d7f66;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181d; --ink: #e8eaed; --quiet: #a9b1bc; --faint: #363c45;
    --first: #5aa2ee; --second: #f0a95b; --third: #e5ccff; --kept: #5eead4;
  }
}
@media print {
  :root {
    --paper: #ffffff; --ink: #000000; --quiet: #333333; --faint: #dddddd;
    --first: #0b4a94; --second: #b45309; --third: #7c3aed; --kept: #0d7f66;
  }
  figure, tr { break-inside: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
}
main { max-width: 52rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { margin: 0 0 .5rem; font-size: 1.6rem; }
h2 { margin: 2rem 0 .25rem; font-size: 1.15rem; }
.why { font-size: 1.1rem; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1rem 0; }
dt, figcaption p, footer { color: var(--quiet); font-size: .875rem; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; }
figcaption p { margin: 0; }
.chart, .table { overflow-x: auto; }
.chart svg { display: block; width: 100%; min-width: 34rem; height: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
th, td { padding: .25rem .75rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint); }
td.state { text-align: left; }
tr.best { font-weight: bold; outline: 2px solid var(--kept); outline-offset: -1px; }
footer { margin-top: 2rem; }
`;

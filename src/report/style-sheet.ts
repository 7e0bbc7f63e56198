/** The style sheet of a report: light, dark and print, at any width. Its colours hold for people with colour blindness. */
export const STYLE_SHEET = `
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c1f24; --quiet: #565d68; --faint: #dfe3e8; --kept: #0d7f66; --kept-row: #e6f4f1;
  --first: #0b4a94; --second: #b45309; --third: #7c3aed; --fourth: #4d7c0f; --fifth: #be185d; --sixth: #475569;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181d; --ink: #e8eaed; --quiet: #a9b1bc; --faint: #363c45; --kept: #5eead4; --kept-row: #143a34;
    --first: #5aa2ee; --second: #f0a95b; --third: #e5ccff; --fourth: #a3d65c; --fifth: #f59ac1; --sixth: #94a3b8;
  }
}
@media print {
  :root {
    --paper: #ffffff; --ink: #000000; --quiet: #333333; --faint: #dddddd; --kept: #0d7f66; --kept-row: #ffffff;
    --first: #0b4a94; --second: #b45309; --third: #7c3aed; --fourth: #4d7c0f; --fifth: #be185d; --sixth: #475569;
  }
  figure, tr { break-inside: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
}
main { max-width: 56rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
.title { margin: 0 0 .25rem; color: var(--quiet); overflow-wrap: anywhere; }
h1 { margin: 0 0 .75rem; font-size: clamp(1.35rem, 5vw, 1.75rem); line-height: 1.25; text-wrap: balance; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 0; font-size: 1.15rem; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, "SF Mono", Consolas, monospace; overflow-wrap: anywhere; }
.why { margin: 0; max-width: 44rem; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 1.25rem 0 0; }
dt, details, footer { color: var(--quiet); font-size: .875rem; }
dd { margin: 0; overflow-wrap: anywhere; }
figure { margin: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin: .25rem 0; padding: 0; list-style: none; font-size: .875rem; }
.legend li { display: flex; align-items: center; gap: .4rem; overflow-wrap: anywhere; }
.key { flex: none; width: 36px; height: 12px; }
td .key, th .key { display: inline-block; margin-right: .4rem; }
.chart svg { display: block; width: 100%; height: auto; }
.chart .wide { display: none; }
@media (min-width: 36rem), print {
  .chart .wide { display: block; }
  .chart .narrow { display: none; }
}
summary { width: fit-content; cursor: pointer; }
details p { margin: .25rem 0; }
.table { margin-top: .5rem; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .875rem; }
th, td { padding: .25rem .6rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--faint); }
.text { text-align: left; }
tbody th.text, tfoot th.text { min-width: 9.5rem; max-width: 14rem; white-space: normal; overflow-wrap: anywhere; }
tr.best th, tr.best td { background: var(--kept-row); font-weight: bold; }
thead th, tfoot th { white-space: normal; vertical-align: bottom; }
tfoot th, tfoot td { border-bottom: 0; font-weight: bold; vertical-align: top; }
footer { margin-top: 2.5rem; }
`;

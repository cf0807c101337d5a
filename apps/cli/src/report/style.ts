/** The look of a report, in light and in dark, on paper too. */
export const styleSheet = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1c2330; --soft: #5b6678; --rule: #dde2ea; --panel: #f5f7fa;
  --fit: #1f66d1; --forecast: #c2500c; --field: #aab4c3; --cloud: #939daf; --region: #c2500c12;
  --other: #0f8a6a; --violet: #7a4fd0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161d; --ink: #e6eaf1; --soft: #9aa6b8; --rule: #2b3340; --panel: #1a202a;
    --fit: #74a9ff; --forecast: #ff9d5c; --field: #4d5a6e; --cloud: #7d899d; --region: #ff9d5c17;
    --other: #4fd1ab; --violet: #b79cff;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 17px/1.6 "Charter", "Bitstream Charter", "Sitka Text", Cambria, Georgia, serif;
}
main { max-width: 52rem; margin: 0 auto; padding: 3.5rem 1.5rem 5rem; }
h1, h2, th, dt, figcaption, .legend, .tiles, svg {
  font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 2.1rem; line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; letter-spacing: -0.01em; margin: 3rem 0 .9rem; }
p { margin: 0 0 1rem; max-width: 42rem; }
.lead { text-wrap: balance; font-size: 1.12rem; color: var(--soft); margin-bottom: 2rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: 1px;
  margin: 0; background: var(--panel); border: 1px solid var(--rule); border-radius: 10px; overflow: hidden; }
.tiles > div { box-shadow: 0 0 0 1px var(--rule); padding: .9rem 1.1rem 1rem; }
.tiles dt { font-size: .8rem; color: var(--soft); }
.tiles dd { margin: .15rem 0 0; font-size: 1.7rem; font-weight: 600; line-height: 1.2;
  font-variant-numeric: tabular-nums; letter-spacing: -0.02em; }
.tiles small { display: block; font-size: .78rem; font-weight: 400; letter-spacing: 0; color: var(--soft); margin-top: .2rem; }
figure { margin: 0 0 1.6rem; }
figure svg { display: block; max-width: 100%; height: auto; margin: 0 auto; color: var(--soft); }
figcaption { font-size: .85rem; line-height: 1.45; color: var(--soft); margin-top: .4rem; max-width: 44rem; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1rem 1.4rem; }
.grid figure { margin: 0; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; list-style: none; padding: 0; margin: 0 0 .8rem;
  font-size: .85rem; color: var(--soft); }
.legend li { display: flex; align-items: center; gap: .5rem; }
.legend span { display: inline-block; width: 1.5rem; flex: none; }
.legend .dot, .legend .ring { width: .6rem; height: .6rem; border-radius: 50%; border: 1.5px solid var(--mark); }
.legend .dot { background: var(--mark); }
.legend .line { border-top: 2.5px solid var(--mark); }
.legend .dash { border-top: 2.5px dashed var(--mark); }
.legend .band { height: .9rem; background: var(--mark); border-radius: 2px; }
.legend .arrow { width: .9rem; height: .6rem; background: var(--mark);
  clip-path: polygon(0 42%, 60% 42%, 60% 10%, 100% 50%, 60% 90%, 60% 58%, 0 58%); }
.scroll { overflow-x: auto; }
.scroll + p { margin-top: 1rem; }
table { border-collapse: collapse; font-size: .92rem; line-height: 1.4; min-width: min(100%, 30rem);
  font-variant-numeric: tabular-nums; font-family: system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
th, td { padding: .45rem 1.6rem .45rem 0; border-bottom: 1px solid var(--rule); text-align: right; font-weight: 400; }
th:first-child { text-align: left; }
thead th { color: var(--soft); font-size: .82rem; border-bottom-color: var(--soft); }
tbody th { font-weight: 550; }
table.plain td { text-align: left; overflow-wrap: anywhere; }
table.plain th { color: var(--soft); font-weight: 400; white-space: nowrap; vertical-align: top; }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: 8px; padding: .9rem 1.1rem; overflow-x: auto;
  font-size: .88rem; line-height: 1.5; margin: 0 0 1rem; white-space: pre-wrap; overflow-wrap: anywhere; }
code { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; }
@media (max-width: 40rem) { main { padding: 2rem 1rem 3rem; } h1 { font-size: 1.6rem; } }
@media print {
  main { max-width: none; padding: 0; }
  figure, table { break-inside: avoid; }
  h2 { break-after: avoid; }
}
`;

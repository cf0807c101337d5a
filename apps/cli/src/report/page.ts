/** A page that needs nothing but itself: no script, no font, no address on the network. */
import { html, Markup } from './html.ts';
import { styleSheet } from './style.ts';

export interface Page {
  readonly title: string;
  /** One or two sentences under the title. */
  readonly lead: string;
  readonly sections: readonly Markup[];
}

export function renderPage({ title, lead, sections }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · neuralode</title>
<link rel="icon" href="data:,">
<style>${new Markup(styleSheet)}</style>
</head>
<body>
<main>
<header>
<h1>${title}</h1>
<p class="lead">${lead}</p>
</header>
${sections}
</main>
</body>
</html>
`.text;
}

/** A number that the page opens with. */
export interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note?: string;
}

export function tiles(list: readonly Tile[]): Markup {
  return html`<dl class="tiles">${list.map(
    ({ label, value, note }) =>
      html`<div><dt>${label}</dt><dd>${value}${note === undefined ? '' : html`<small>${note}</small>`}</dd></div>`,
  )}</dl>`;
}

export function section(title: string, ...content: readonly Markup[]): Markup {
  return html`<section><h2>${title}</h2>${content}</section>\n`;
}

/** A drawing, and what it shows written below (unless the caption is empty). */
export function figure(svg: string, caption: string): Markup {
  const words = caption === '' ? '' : html`<figcaption>${caption}</figcaption>`;
  return html`<figure>${new Markup(svg)}${words}</figure>`;
}

export function paragraph(text: string): Markup {
  return html`<p>${text}</p>`;
}

export function code(text: string): Markup {
  return html`<pre><code>${text}</code></pre>`;
}

/** A table: the first column names the row. */
export function dataTable(head: readonly string[], rows: readonly (readonly string[])[]): Markup {
  return html`<div class="scroll"><table><thead><tr>${head.map(
    (cell) => html`<th scope="col">${cell}</th>`,
  )}</tr></thead><tbody>${rows.map(
    ([name = '', ...cells]) =>
      html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}

/** Names and values, such as the options of a run. */
export function definitionTable(rows: readonly (readonly [string, string])[]): Markup {
  return html`<div class="scroll"><table class="plain"><tbody>${rows.map(
    ([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`,
  )}</tbody></table></div>`;
}

export type LegendMark = 'dot' | 'ring' | 'line' | 'dash' | 'band' | 'arrow';

/** What the signs of a drawing mean; `colour` is a CSS colour. */
export function legend(
  entries: readonly { mark: LegendMark; colour: string; label: string }[],
): Markup {
  return html`<ul class="legend">${entries.map(
    ({ mark, colour, label }) =>
      html`<li><span class="${mark}" style="--mark:${colour}" aria-hidden="true"></span>${label}</li>`,
  )}</ul>`;
}

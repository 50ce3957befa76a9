// @ts-check
// Every picture of the explorer: a Vega-Lite specification drawn as SVG, with its numbers as a table and as CSV behind it.
import { useEffect, useRef, useState } from 'preact/hooks';
import { Download, Table, csvOf, html } from './ui.js';

/** @typedef {import('./ui.js').Column} Column */
/** A Vega-Lite specification, with its rows in `data.values`. @typedef {Record<string, any>} Spec */

/** @type {Promise<any> | undefined} */
let library;

/** Vega, loaded when the first picture is drawn. */
function load() {
  library ??= (async () => {
    await import('vega');
    const [{ expressionInterpreter }] = await Promise.all([import('vega-interpreter'), import('vega-lite')]);
    const { vega, vegaLite } = /** @type {any} */ (globalThis);
    return { vega, vegaLite, expressionInterpreter };
  })();
  return library;
}

/** @param {string} name */
const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The colours of the present theme, by what they say. Use these in specifications: `color: { value: colors().good }`. */
export function colors() {
  return {
    text: color('--text'), quiet: color('--quiet'), line: color('--line'), page: color('--page'),
    main: color('--c1'), good: color('--good'), bad: color('--bad'), busy: color('--busy'),
    /** Categories, of which neighbours differ. */
    categories: [1, 2, 3, 4, 5, 6].map(n => color(`--c${n}`)),
    /** From little to much. */
    ramp: [1, 2, 3, 4, 5].map(n => color(`--r${n}`)),
  };
}

function config() {
  const c = colors();
  const text = { labelColor: c.text, titleColor: c.text, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 500 };
  return {
    background: 'transparent',
    font: 'system-ui, sans-serif',
    view: { stroke: null },
    axis: { ...text, gridColor: c.line, domainColor: c.quiet, tickColor: c.quiet, labelLimit: 220 },
    legend: { ...text, orient: 'bottom', columns: 3, labelLimit: 220 },
    header: text,
    title: { color: c.text, fontSize: 13, anchor: 'start' },
    text: { color: c.text, fontSize: 12 },
    mark: { color: c.main, tooltip: false },
    rule: { color: c.text },
    range: { category: c.categories, ordinal: c.ramp, ramp: c.ramp, heatmap: c.ramp },
  };
}

/** The theme's name, and again when the reader's system changes it. */
function useTheme() {
  const media = window.matchMedia('(prefers-color-scheme: dark)');
  const [isDark, setDark] = useState(media.matches);
  useEffect(() => {
    const update = () => setDark(media.matches);
    media.addEventListener('change', update);
    return () => media.removeEventListener('change', update);
  }, []);
  return isDark ? 'dark' : 'light';
}

/**
 * A picture with its numbers. `spec` may be made anew at each rendering; it is drawn again when it says something else.
 * As a function it is called for the present theme: `spec=${() => ({ …, color: { value: colors().good } })}`.
 * A specification of one mark or of layers is as wide as its place unless it has a `width`.
 * @param {{title: string, description: string, spec: Spec | (() => Spec), columns: Column[], rows: readonly any[], name: string,
 *   level?: 2 | 3 | 4, children?: import('./ui.js').Children}} props
 *   `description` says in a sentence what the picture shows; `name` is the CSV's; `children` stand between the heading and the picture
 */
export function Figure({ title, description, spec, columns, rows, name, level = 3, children }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const theme = useTheme();
  const [failure, setFailure] = useState('');
  const text = JSON.stringify(typeof spec === 'function' ? spec() : spec);

  useEffect(() => {
    let isCurrent = true;
    /** @type {any} */
    let view;
    load().then(async ({ vega, vegaLite, expressionInterpreter }) => {
      const element = place.current;
      if (!isCurrent || !element)
        return;
      const own = JSON.parse(text);
      const isSingle = 'mark' in own || 'layer' in own;
      const whole = { ...(isSingle ? { width: 'container', autosize: { type: 'fit-x', contains: 'padding' } } : {}), ...own, description };
      const { spec: compiled } = vegaLite.compile(whole, { config: config(), logger: vega.logger(vega.Error) });
      const runtime = vega.parse(compiled, undefined, { ast: true });
      view = new vega.View(runtime, { renderer: 'svg', expr: expressionInterpreter, hover: false, logLevel: vega.Error });
      view.description(description);
      await view.initialize(element).runAsync();
      // A group without marks has nothing to say, and no name to say it with.
      for (const group of element.querySelectorAll('g[role=graphics-symbol]:empty'))
        for (const attribute of ['role', 'aria-roledescription'])
          group.removeAttribute(attribute);
      setFailure('');
    }).catch(error => {
      console.error(error);
      if (isCurrent)
        setFailure('The picture could not be drawn. Its numbers are below.');
    });
    return () => {
      isCurrent = false;
      view?.finalize();
    };
  }, [text, theme, description]);

  const id = `figure-${name}`;
  return html`<figure class="figure" aria-labelledby=${id} data-name=${name}>
    <${`h${level}`} id=${id} class="figure-title">${title}</>
    <figcaption>${description}</figcaption>
    ${children}
    <div class="chart" ref=${place}></div>
    ${failure && html`<p role="status">${failure}</p>`}
    <details class="numbers">
      <summary>Numbers of “${title}”</summary>
      <${Table} caption=${title} isCaptionHidden columns=${columns} rows=${rows} />
      <${Download} name=${name} csv=${() => csvOf(columns, rows)} />
    </details>
  </figure>`;
}

// @ts-check
// Pieces that all pages share.
import htm from 'htm';
import { h } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { ApiProblem } from './api.js';
import { takeFocus } from './router.js';

/** @typedef {import('preact').ComponentChildren} Children */

/** A template of elements: `` html`<p class="x">${text}</p>` ``. Text in it is text, never markup. */
export const html = /** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */ (htm.bind(/** @type {any} */ (h)));

/**
 * The session's state; the answer of `GET /explorer/session`.
 * @typedef {object} Session
 * @property {boolean} signedIn
 * @property {boolean} isAutomatic true for the demo client in Development
 * @property {string | null} name of the client or the person
 * @property {string | null} account
 * @property {{id: string, name: string | null}[]} workspaces
 * @property {string[]} scopes
 * @property {{client: boolean, issuers: {name: string, href: string}[]}} ways of signing in
 */

/** What a page's component is given. @typedef {{params: Record<string, string>, query: URLSearchParams, session: Session}} PageProps */

/** Sets the document's title, and takes the focus to the page's `h1` after navigation. Each page calls it. @param {string} title */
export function useTitle(title) {
  useEffect(() => {
    document.title = title ? `${title} – Results` : 'Results';
  }, [title]);
  useEffect(takeFocus);
}

/**
 * Loads a value, and again when `deps` change. The former value stays while it loads.
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} load @param {readonly unknown[]} deps
 * @returns {{value: T | undefined, problem: ApiProblem | undefined, isLoading: boolean, reload: () => void}}
 */
export function useLoad(load, deps) {
  const [state, setState] = useState(/** @type {{value?: T, problem?: ApiProblem, isLoading: boolean}} */ ({ isLoading: true }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    const abort = new AbortController();
    setState(former => ({ ...former, isLoading: true }));
    load(abort.signal).then(
      value => abort.signal.aborted || setState({ value, isLoading: false }),
      error => {
        if (abort.signal.aborted)
          return;
        if (!(error instanceof ApiProblem))
          console.error(error);
        const problem = error instanceof ApiProblem
          ? error
          : new ApiProblem({ status: 0, title: 'This page failed', detail: String(error) });
        setState(former => ({ value: former.value, problem, isLoading: false }));
      });
    return () => abort.abort();
  }, [...deps, round]);
  const reload = useCallback(() => setRound(n => n + 1), []);
  return { value: state.value, problem: state.problem, isLoading: state.isLoading, reload };
}

/** A refusal, said to all. @param {{problem?: ApiProblem, reload?: () => void}} props */
export function Problem({ problem, reload }) {
  if (!problem)
    return null;
  const messages = Object.entries(problem.errors);
  return html`<div class="problem" role="alert">
    <p><strong>${problem.title}.</strong> ${problem.detail}</p>
    ${messages.length > 0 && html`<ul>${messages.map(([field, texts]) => html`<li>${field}: ${[texts].flat().join(' ')}</li>`)}</ul>`}
    ${reload && html`<button type="button" onClick=${reload}>Try again</button>`}
  </div>`;
}

/** @param {{label?: string}} props */
export const Loading = ({ label = 'Loading …' }) => html`<p class="loading" role="status">${label}</p>`;

/**
 * A column of a table. `value` is what is shown, `text` what a CSV has; both are `row[key]` unless given.
 * @typedef {object} Column
 * @property {string} key
 * @property {string} title
 * @property {boolean} [isNumber] aligned to the right
 * @property {(row: any) => Children} [value]
 * @property {(row: any) => string | number | null | undefined} [text]
 */

/**
 * A table that scrolls in itself. The first column heads its row.
 * @param {{caption: string, columns: Column[], rows: readonly any[], isCaptionHidden?: boolean, empty?: string}} props
 */
export function Table({ caption, columns, rows, isCaptionHidden = false, empty = 'Nothing yet.' }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  return html`<div class="table" tabindex="0" role="group" aria-label=${caption} ref=${box}><table>
    <caption class=${isCaptionHidden ? 'hidden' : ''}>${caption}</caption>
    <thead><tr>${columns.map(c => html`<th scope="col" class=${c.isNumber ? 'number' : ''}>${c.title}</th>`)}</tr></thead>
    <tbody>
      ${rows.map(row => html`<tr>${columns.map((c, i) => {
        const content = c.value ? c.value(row) : shown(row[c.key]);
        const kind = c.isNumber ? 'number' : '';
        return i === 0 ? html`<th scope="row" class=${kind}>${content}</th>` : html`<td class=${kind}>${content}</td>`;
      })}</tr>`)}
      ${rows.length === 0 && html`<tr><td colspan=${columns.length}>${empty}</td></tr>`}
    </tbody>
  </table></div>`;
}

/** @param {unknown} value */
const shown = value => typeof value === 'number' ? value.toLocaleString('en') : value === null || value === undefined ? '–' : value;

/**
 * Rows as CSV (RFC 4180). Text that a spreadsheet would take for a formula begins with an apostrophe.
 * @param {Column[]} columns @param {readonly any[]} rows
 */
export function csvOf(columns, rows) {
  /** @param {unknown} value */
  const cell = value => {
    if (value === null || value === undefined)
      return '';
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const body = rows.map(row => columns.map(c => cell(c.text ? c.text(row) : row[c.key])));
  const lines = [columns.map(c => cell(c.title)), ...body];
  return lines.map(line => line.join(',') + '\r\n').join('');
}

/** A link that saves a CSV. @param {{name: string, csv: () => string, label?: string}} props `name` without an ending */
export function Download({ name, csv, label = 'Download as CSV' }) {
  const save = () => {
    const url = URL.createObjectURL(new Blob(['\uFEFF', csv()], { type: 'text/csv' }));
    const link = document.createElement('a');
    link.href = url;
    link.download = `${name.replaceAll(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 80) || 'results'}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return html`<button type="button" class="link" onClick=${save}>${label}</button>`;
}

const dateTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });

/** A moment in the reader's time zone. @param {{value: string | null | undefined}} props ISO 8601 */
export const DateTime = ({ value }) =>
  value ? html`<time dateTime=${value} title=${value}>${dateTime.format(new Date(value))}</time>` : '–';

/** A length of time in words: 850 ms, 4.2 s, 3 min 20 s, 2 h 5 min. @param {number | null | undefined} ms */
export function durationText(ms) {
  if (ms === null || ms === undefined)
    return '–';
  if (ms < 1000)
    return `${Math.round(ms)} ms`;
  if (ms < 59_950)
    return `${(ms / 1000).toLocaleString('en', { maximumFractionDigits: 1 })} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** @param {{ms: number | null | undefined}} props */
export const Duration = ({ ms }) => html`<span>${durationText(ms)}</span>`;

/** A word with a colour that says the same. @param {{kind?: 'good' | 'bad' | 'busy' | 'plain', children?: Children}} props */
export const Badge = ({ kind = 'plain', children }) => html`<span class="badge ${kind}">${children}</span>`;

const statuses = /** @type {const} */ ({
  COMPLETE: ['good', 'Complete'],
  IN_PROGRESS: ['busy', 'In progress'],
  ABANDONED: ['bad', 'Abandoned'],
});

/** A session's status. @param {{value: string}} props */
export function Status({ value }) {
  const [kind, name] = statuses[/** @type {keyof typeof statuses} */ (value)] ?? ['plain', value];
  return html`<${Badge} kind=${kind}>${name}</${Badge}>`;
}

const mediaOrigins = (document.querySelector('meta[name=media-origins]')?.getAttribute('content') ?? '').split(' ').filter(Boolean);

/** Whether the page may load a picture or recording: the service's own, or of an origin in its settings. @param {string} url */
export function mayLoad(url) {
  try {
    const { origin, protocol } = new URL(url, location.href);
    return origin === location.origin || protocol === 'data:' || mediaOrigins.includes(origin);
  } catch {
    return false;
  }
}

/** Adds a style sheet of the site once. @param {string} path relative to the site */
export function useStyle(path) {
  useEffect(() => {
    const href = new URL(path, import.meta.url).href;
    if ([...document.styleSheets].some(sheet => sheet.href === href) || document.querySelector(`link[href="${href}"]`))
      return;
    const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href });
    document.head.append(link);
  }, [path]);
}

// @ts-check
// What part of a test is shown. The address holds it.
import { setQuery } from '../../router.js';
import { html } from '../../ui.js';
import { counted, taskTypeText, words } from './picture.js';

/**
 * @typedef {object} Filters
 * @property {string[]} status
 * @property {string} audienceId
 * @property {string[]} demographic each as `CODE:VALUE`
 * @property {string} from the first day of the sessions' starts, `yyyy-mm-dd`, UTC
 * @property {string} to the last day
 * @property {string} taskType which tasks are shown
 */

const statuses = ['COMPLETE', 'IN_PROGRESS', 'ABANDONED'];

/** The most demographic questions that stand in the form's first row. */
const maxShown = 3;

/** @param {URLSearchParams} query @returns {Filters} */
export const filtersOf = query => ({
  status: query.getAll('status').filter(name => statuses.includes(name)),
  audienceId: query.get('audienceId') ?? '',
  demographic: query.getAll('demographic'),
  from: dayOf(query.get('from')),
  to: dayOf(query.get('to')),
  taskType: query.get('taskType') ?? '',
});

/** The parameters of the API by which sessions are picked. @param {Filters} filters */
export const paramsOf = filters => ({
  status: filters.status,
  audienceId: filters.audienceId,
  demographic: filters.demographic,
  from: filters.from && `${filters.from}T00:00:00.000Z`,
  // The API's end is not part of the time.
  to: filters.to && new Date(Date.parse(filters.to) + 86_400_000).toISOString(),
});

/** How many filters are set. @param {Filters} filters */
export const countOf = filters =>
  Object.values(filters).reduce((count, value) => count + (Array.isArray(value) ? value.length : value ? 1 : 0), 0);

/** A day that is one; nothing of other text. @param {string | null} text */
const dayOf = text => (text && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : '');

/**
 * The form of the filters.
 * @param {{filters: Filters, summary: any}} props `summary` of the test; what can be chosen is in it
 */
export function FilterForm({ filters, summary }) {
  const { audiences, demographics, tasks } = summary;
  const taskTypes = [...new Set([...tasks.map((/** @type {any} */ task) => task.type), ...(filters.taskType ? [filters.taskType] : [])])];
  /** @param {string} status @param {boolean} isOn */
  const setStatus = (status, isOn) =>
    setQuery({ status: statuses.filter(name => (name === status ? isOn : filters.status.includes(name))) });
  const demographicFields = demographics.map((/** @type {any} */ demographic) =>
    html`<${DemographicField} key=${demographic.code} demographic=${demographic} chosen=${filters.demographic} />`);
  return html`<form class="filters test-filters" aria-label="Filters" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <fieldset><legend>Status</legend>
      ${statuses.map(status => html`<label class="check"><input type="checkbox" checked=${filters.status.includes(status)}
        onChange=${(/** @type {any} */ event) => setStatus(status, event.target.checked)} />${words(status)}</label>`)}
    </fieldset>
    ${(audiences.length > 0 || filters.audienceId) && html`<${Choice} label="Audience" value=${filters.audienceId} name="audienceId"
      options=${audiences.map((/** @type {any} */ one) =>
        [one.audienceId, `${one.audienceId.slice(0, 8)}… (${counted(one.sessions, 'session')})`])} />`}
    ${demographicFields.slice(0, maxShown)}
    <label>Started from (UTC)
      <input type="date" value=${filters.from} max=${filters.to || null}
        onChange=${(/** @type {any} */ event) => setQuery({ from: event.target.value })} /></label>
    <label>to
      <input type="date" value=${filters.to} min=${filters.from || null}
        onChange=${(/** @type {any} */ event) => setQuery({ to: event.target.value })} /></label>
    ${taskTypes.length > 1 && html`<${Choice} label="Task type" value=${filters.taskType} name="taskType"
      options=${taskTypes.map(type => [type, taskTypeText(type)])} />`}
    ${demographicFields.length > maxShown && html`<details class="more-filters">
      <summary>${counted(demographicFields.length - maxShown, 'more question')} about participants</summary>
      <div class="filters">${demographicFields.slice(maxShown)}</div>
    </details>`}
    ${countOf(filters) > 0 && html`<button type="button" onClick=${clear}>Clear filters</button>`}
  </form>`;
}

/** @param {{currentTarget: HTMLElement}} event */
function clear(event) {
  // The button goes; who pressed it stays in the form.
  event.currentTarget.closest('form')?.querySelector('input')?.focus();
  setQuery({ status: null, audienceId: null, demographic: null, from: null, to: null, taskType: null });
}

/** @param {{label: string, name: string, value: string, options: [string, string][]}} props */
const Choice = ({ label, name, value, options }) => html`<label>${label}
  <select value=${value} onChange=${(/** @type {any} */ event) => setQuery({ [name]: event.target.value })}>
    <option value="" selected=${value === ''}>All</option>
    ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
    ${value && !options.some(([key]) => key === value) && html`<option value=${value} selected>${value}</option>`}
  </select>
</label>`;

/** One question about participants, with the answers that there are. @param {{demographic: any, chosen: string[]}} props */
function DemographicField({ demographic, chosen }) {
  const { code, label, values } = demographic;
  const prefix = `${code}:`;
  const own = chosen.find(filter => filter.startsWith(prefix)) ?? '';
  const options = values.map((/** @type {any} */ one) => [`${prefix}${one.value}`, `${one.value} (${one.sessions.toLocaleString('en')})`]);
  /** @param {any} event */
  const choose = event => setQuery({
    demographic: [...chosen.filter(filter => !filter.startsWith(prefix)), ...(event.target.value ? [event.target.value] : [])],
  });
  return html`<label><span class="question" title=${label ?? code}>${label ?? code}</span>
    <select value=${own} onChange=${choose}>
      <option value="" selected=${own === ''}>All</option>
      ${options.map((/** @type {[string, string]} */ [key, text]) => html`<option value=${key} selected=${key === own}>${text}</option>`)}
      ${own && !options.some((/** @type {[string, string]} */ [key]) => key === own)
        && html`<option value=${own} selected>${own.slice(prefix.length)}</option>`}
    </select>
  </label>`;
}

// @ts-check
import { DateTime, Table, html } from '../../ui.js';
import { usePoll } from './poll.js';
import { Section } from './section.js';

/** @type {import('../../ui.js').Column[]} */
const columns = [
  { key: 'subjectId', title: 'Session', value: item => html`<a href=${`/sessions/${item.subjectId}`}><code>${item.subjectId}</code></a>` },
  { key: 'worker', title: 'Worker' },
  { key: 'reason', title: 'Reason' },
  { key: 'since', title: 'Since', value: item => html`<${DateTime} value=${item.since} />` },
  { key: 'lastTried', title: 'Last tried', value: item => html`<${DateTime} value=${item.lastTried} />` },
  { key: 'attempts', title: 'Attempts', isNumber: true },
];

/** What shared workers have set aside of the account. @param {{isPaused: boolean}} props */
export function SetAside({ isPaused }) {
  const loaded = usePoll('/api/v3/operations/setAside', isPaused);
  return html`<${Section} id="set-aside" title="Set aside" loaded=${loaded}>${(/** @type {any} */ { items }) => html`
    <${Table} caption="Sessions that make shared work fail, the oldest first" columns=${columns} rows=${items} empty="None." />
  `}</${Section}>`;
}

// @ts-check
import { Badge, DateTime, Table, html } from '../../ui.js';
import { usePoll } from './poll.js';
import { Section } from './section.js';

/** @type {Record<string, string>} */
const states = { LISTING: 'Finding sessions', MASKING: 'Masking', FILES: 'Deleting files', DONE: 'Done' };

/** @type {import('../../ui.js').Column[]} */
const columns = [
  { key: 'erasureId', title: 'Erasure', value: one => html`<code>${one.erasureId}</code>` },
  { key: 'kind', title: 'Of', value: one => one.kind === 'SESSION' ? 'a session' : 'a participant' },
  { key: 'requestedAt', title: 'Asked', value: one => html`<${DateTime} value=${one.requestedAt} />` },
  { key: 'requestedBy', title: 'By' },
  { key: 'reason', title: 'Why' },
  { key: 'sessions', title: 'Sessions', isNumber: true, value: one => `${one.sessionsMasked} of ${one.sessions}` },
  { key: 'filesLeft', title: 'Files left', isNumber: true },
  { key: 'state', title: 'State', value: one =>
    html`<${Badge} kind=${one.state === 'DONE' ? 'good' : 'busy'}>${states[one.state] ?? one.state}</${Badge}>` },
];

/** The account's erasures. @param {{isPaused: boolean}} props */
export function Erasures({ isPaused }) {
  const loaded = usePoll('/api/v3/operations/erasures', isPaused);
  return html`<${Section} id="erasures" title="Erasures" loaded=${loaded}>${(/** @type {any} */ { erasures }) => html`
    <${Table} caption="The last 100 erasures of the account" columns=${columns} rows=${erasures} empty="None." />
  `}</${Section}>`;
}

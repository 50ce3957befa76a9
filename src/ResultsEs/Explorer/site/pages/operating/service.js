// @ts-check
// The whole service in numbers: nodes, lag, standbys, rebuilds.
import { Badge, DateTime, Table, durationText, html } from '../../ui.js';
import { usePoll } from './poll.js';
import { Section } from './section.js';

/** How far something may be behind before it is called late, seconds. */
const late = 30;

/** @param {number} seconds */
const seconds = seconds => durationText(Math.round(seconds * 1000));

/** @param {number} behind */
const verdict = behind => behind > late
  ? html`<${Badge} kind="bad">Late</${Badge}>`
  : html`<${Badge} kind="good">In time</${Badge}>`;

/** @param {{isPaused: boolean}} props */
export function Service({ isPaused }) {
  const loaded = usePoll('/api/v3/operations/state', isPaused);
  return html`<${Section} id="service" title="Service" loaded=${loaded}>${(/** @type {any} */ state) => html`
    <p class="quiet">As of <${DateTime} value=${state.asOf} />. Numbers of the whole service, whoever has the data.</p>
    <${Table} caption="Nodes seen in the last hour" columns=${nodeColumns(state.asOf)} rows=${state.nodes} />
    <${Table} caption="Work in the background" columns=${lagColumns} rows=${lags(state)} />
    ${state.standbys.length > 0 && html`
      <${Table} caption="Standbys, as the node that answers sees them" columns=${standbyColumns}
        rows=${state.standbys.map((/** @type {any} */ one, /** @type {number} */ i) => ({ ...one, name: `Standby ${i + 1}` }))} />`}
    <h3>Rebuilds under way</h3>
    ${state.rebuilds.length === 0 && html`<p>None.</p>`}
    ${state.rebuilds.map((/** @type {any} */ one) => html`<${Rebuild} key=${one.projection} rebuild=${one} />`)}
  `}</${Section}>`;
}

/** @param {string} asOf @returns {import('../../ui.js').Column[]} */
const nodeColumns = asOf => [
  { key: 'name', title: 'Node' },
  { key: 'version', title: 'Version', value: node => node.version.replace(/\+(.{7}).*/, ' ($1)') },
  { key: 'startedAt', title: 'Started', value: node => html`<${DateTime} value=${node.startedAt} />` },
  { key: 'seenAt', title: 'Last seen', value: node => seen(node, asOf) },
];

/** @param {any} node @param {string} asOf */
function seen(node, asOf) {
  const ago = Math.max(0, (Date.parse(asOf) - Date.parse(node.seenAt)) / 1000);
  const badge = ago > 60 ? html`<${Badge} kind="bad">Gone</${Badge}>` : html`<${Badge} kind="good">Serving</${Badge}>`;
  return html`${badge} ${seconds(ago)} ago`;
}

/** @type {import('../../ui.js').Column[]} */
const lagColumns = [
  { key: 'name', title: 'Work' },
  { key: 'behind', title: 'Behind', isNumber: true, value: row => seconds(row.behind) },
  { key: 'waiting', title: 'Waiting', isNumber: true },
  { key: 'verdict', title: 'State', value: row => verdict(row.behind) },
];

/** @param {any} state */
const lags = ({ lag, account }) => [
  { name: 'Totals of tests', behind: lag.totalsSeconds, waiting: lag.totalsSessions },
  { name: 'Search', behind: lag.searchSeconds, waiting: null },
  { name: 'Summaries', behind: lag.summariesSeconds, waiting: null },
  { name: 'Feed of changes', behind: lag.feedSeconds, waiting: null },
  { name: 'Webhooks', behind: lag.webhookSeconds, waiting: lag.webhookMessages },
  { name: 'Webhooks of this account', behind: account.webhookSeconds, waiting: account.webhookMessages },
];

/** @type {import('../../ui.js').Column[]} */
const standbyColumns = [
  { key: 'name', title: 'Standby' },
  { key: 'lagSeconds', title: 'Behind', isNumber: true, value: row => seconds(row.lagSeconds) },
  { key: 'isRead', title: 'State', value: row => row.isRead
    ? html`<${Badge} kind="good">Reads go to it</${Badge}>`
    : html`<${Badge} kind="bad">Not read</${Badge}> It ${row.trouble}` },
];

/** @param {{rebuild: any}} props */
function Rebuild({ rebuild }) {
  const { projection, version, eventsFolded, eventsTotal, isServed } = rebuild;
  const share = eventsTotal === 0 ? 1 : Math.min(1, eventsFolded / eventsTotal);
  const id = `rebuild-${projection}`;
  return html`<p>
    <label for=${id}>${projection}, version ${version}, since <${DateTime} value=${rebuild.beganAt} /></label>
    <progress id=${id} max="1" value=${share}></progress>
    ${Math.floor(share * 100)} % (${eventsFolded.toLocaleString('en')} of ${eventsTotal.toLocaleString('en')} events)
    ${isServed ? ', served, catching up' : ''}
  </p>`;
}

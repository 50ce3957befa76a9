// @ts-check
import { Badge, DateTime, Table, html } from '../../ui.js';
import { usePoll } from './poll.js';
import { Section } from './section.js';

/** @type {import('../../ui.js').Column[]} */
const columns = [
  { key: 'clientId', title: 'Client', value: client => html`<code>${client.clientId}</code>` },
  { key: 'name', title: 'Name' },
  { key: 'scopes', title: 'Scopes', value: client => client.scopes.join(', ') },
  { key: 'workspaces', title: 'Workspaces', isNumber: true, value: client => client.workspaces.length },
  { key: 'source', title: 'From', value: client => client.source === 'DATABASE' ? 'the database' : 'the settings' },
  { key: 'lastUsedAt', title: 'Last used', value: client => html`<${DateTime} value=${client.lastUsedAt} />` },
  { key: 'revokedAt', title: 'State', value: client => client.revokedAt
    ? html`<${Badge} kind="bad">Revoked</${Badge}>`
    : html`<${Badge} kind="good">Valid</${Badge}>` },
];

/** The account's clients. @param {{isPaused: boolean}} props */
export function Clients({ isPaused }) {
  const loaded = usePoll('/api/v3/clients', isPaused, { limit: 100 });
  return html`<${Section} id="clients" title="Clients" loaded=${loaded}>${(/** @type {any} */ { clients }) => html`
    <${Table} caption="Clients of the account" columns=${columns} rows=${clients} empty="None." />
  `}</${Section}>`;
}

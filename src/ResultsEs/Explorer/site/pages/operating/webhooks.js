// @ts-check
// The client's webhooks, and the log of each.
import { useState } from 'preact/hooks';
import { send } from '../../api.js';
import { Badge, DateTime, Table, html } from '../../ui.js';
import { useConfirm } from './confirm.js';
import { usePoll } from './poll.js';
import { Section } from './section.js';

/** @type {Record<string, 'good' | 'bad' | 'busy' | 'plain'>} */
const kinds = { ENABLED: 'good', DISABLED: 'bad', SUSPENDED: 'bad', PENDING: 'busy', DELIVERED: 'good', FAILED: 'bad', DROPPED: 'plain' };

/** @param {string} status */
const badge = status => html`<${Badge} kind=${kinds[status] ?? 'plain'}>${status.charAt(0)}${status.slice(1).toLowerCase()}</${Badge}>`;

/** @param {{isPaused: boolean}} props */
export function Webhooks({ isPaused }) {
  const loaded = usePoll('/api/v3/webhooks', isPaused);
  const [shown, setShown] = useState('');
  /** @type {import('../../ui.js').Column[]} */
  const columns = [
    { key: 'url', title: 'Endpoint' },
    { key: 'kinds', title: 'Messages', value: hook => hook.kinds.join(', ') },
    { key: 'description', title: 'Description' },
    { key: 'status', title: 'State', value: hook => badge(hook.status) },
    { key: 'actions', title: 'Deliveries', value: hook => html`<button type="button" key=${hook.webhookId}
      aria-expanded=${shown === hook.webhookId} aria-label=${`Deliveries to ${hook.url}`}
      onClick=${() => setShown(shown === hook.webhookId ? '' : hook.webhookId)}>Look</button>` },
  ];
  return html`<${Section} id="webhooks" title="Webhooks" loaded=${loaded}>${(/** @type {any} */ { webhooks }) => html`
    <${Table} caption="Webhooks of this client" columns=${columns} rows=${webhooks} empty="None." />
    ${shown && html`<${Deliveries} key=${shown} id=${shown} isPaused=${isPaused} />`}
  `}</${Section}>`;
}

/** @param {{id: string, isPaused: boolean}} props */
function Deliveries({ id, isPaused }) {
  const loaded = usePoll(`/api/v3/webhooks/${id}/deliveries`, isPaused, { limit: 25 });
  const [said, setSaid] = useState('');
  const [ask, dialog] = useConfirm();
  /** @param {any} delivery */
  const replay = delivery => ask({
    title: 'Send this message again?',
    text: `The message ${delivery.deliveryId} is sent to its endpoint once more, with the same id.`,
    action: 'Send',
    run: () => send('POST', `/api/v3/webhooks/${id}/deliveries/${delivery.deliveryId}/replay`),
    done: () => {
      setSaid(`Message ${delivery.deliveryId} is sent again.`);
      loaded.reload();
    },
  });
  /** @type {import('../../ui.js').Column[]} */
  const columns = [
    { key: 'createdTime', title: 'Made', value: one => html`<${DateTime} value=${one.createdTime} />` },
    { key: 'kind', title: 'Message' },
    { key: 'sessionId', title: 'Session', value: one => html`<a href=${`/sessions/${one.sessionId}`}><code>${one.sessionId}</code></a>` },
    { key: 'attempts', title: 'Attempts', isNumber: true, value: one => one.attempts.length },
    { key: 'status', title: 'State', value: one => badge(one.status) },
    { key: 'last', title: 'Last answer', value: one => {
      const last = one.attempts[one.attempts.length - 1];
      return last ? last.problem ?? `HTTP ${last.status}` : '–';
    } },
    { key: 'replay', title: 'Actions', value: one => html`<button type="button" key=${one.deliveryId}
      aria-label=${`Send ${one.deliveryId} again`} onClick=${() => replay(one)}>Send again</button>` },
  ];
  return html`<${Section} id="deliveries" title="Deliveries" loaded=${loaded}>${(/** @type {any} */ { deliveries }) => html`
    <p role="status">${said}</p>
    <${Table} caption="The last 25 messages of this webhook, the newest first" columns=${columns} rows=${deliveries} empty="None." />
    ${dialog}
  `}</${Section}>`;
}

// @ts-check
// What shared workers have set aside of the account: list, do again.
import { useState } from 'preact/hooks';
import { address, send } from '../../api.js';
import { DateTime, Table, html } from '../../ui.js';
import { useConfirm } from './confirm.js';
import { usePoll } from './poll.js';
import { Section } from './section.js';

const path = '/api/v3/operations/setAside';

/** @type {import('../../ui.js').Column[]} */
const columns = [
  { key: 'subjectId', title: 'Session', value: item => html`<a href=${`/sessions/${item.subjectId}`}><code>${item.subjectId}</code></a>` },
  { key: 'worker', title: 'Worker' },
  { key: 'reason', title: 'Reason' },
  { key: 'since', title: 'Since', value: item => html`<${DateTime} value=${item.since} />` },
  { key: 'lastTried', title: 'Last tried', value: item => html`<${DateTime} value=${item.lastTried} />` },
  { key: 'attempts', title: 'Attempts', isNumber: true },
];

/** @param {{isPaused: boolean, mayChange: boolean}} props */
export function SetAside({ isPaused, mayChange }) {
  const loaded = usePoll(path, isPaused);
  const [said, setSaid] = useState('');
  const [ask, dialog] = useConfirm();
  /** @param {any} item */
  const retry = ({ subjectId, worker }) => ask({
    title: 'Retry this session?',
    text: `The worker ${worker} does its work on ${subjectId} again. If it fails, the session stays set aside with the new reason.`,
    action: 'Retry',
    // What fails has another reason and one attempt more.
    run: () => send('POST', address(`${path}/${subjectId}/retry`, { worker })).catch(problem => {
      loaded.reload();
      throw problem;
    }),
    done: () => {
      setSaid(`${subjectId} is no longer set aside by ${worker}.`);
      loaded.reload();
      document.getElementById('set-aside')?.focus();
    },
  });
  /** @type {import('../../ui.js').Column} */
  const actions = { key: 'actions', title: 'Actions', value: item => html`<button type="button" key=${`${item.subjectId} ${item.worker}`}
    aria-label=${`Retry ${item.worker} of ${item.subjectId}`} onClick=${() => retry(item)}>Retry</button>` };
  return html`<${Section} id="set-aside" title="Set aside" loaded=${loaded}>${(/** @type {any} */ { items }) => html`
    <p role="status">${said}</p>
    <${Table} caption="Sessions that make shared work fail, the oldest first" columns=${mayChange ? [...columns, actions] : columns}
      rows=${items} empty="None." />
    ${dialog}
  `}</${Section}>`;
}

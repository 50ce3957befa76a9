// @ts-check
// Dead letters of the account: list, look, replay, discard.
import { useState } from 'preact/hooks';
import { get, send } from '../../api.js';
import { DateTime, Loading, Problem, Table, html, useLoad } from '../../ui.js';
import { useConfirm } from './confirm.js';
import { usePoll } from './poll.js';
import { Section } from './section.js';

const path = '/api/v3/operations/deadLetters';

/** @param {{isPaused: boolean, mayChange: boolean}} props */
export function Letters({ isPaused, mayChange }) {
  const [cursors, setCursors] = useState(/** @type {string[]} */ ([]));
  const loaded = usePoll(path, isPaused, { limit: 25, cursor: cursors[cursors.length - 1] });
  const [shown, setShown] = useState('');
  const [said, setSaid] = useState('');
  const [ask, dialog] = useConfirm();
  /** @param {string} id @param {string} outcome */
  const done = (id, outcome) => {
    setSaid(`Letter ${id} is ${outcome}.`);
    setShown('');
    loaded.reload();
    document.getElementById('letters')?.focus();
  };
  /** @param {any} letter */
  const replay = letter => ask({
    title: 'Replay this letter?',
    text: `The events of ${letter.letterId} are recorded as if the message came now. When all are stored, the letter is deleted.`,
    action: 'Replay',
    run: () => send('POST', `${path}/${letter.letterId}/replay`),
    done: () => done(letter.letterId, 'stored'),
  });
  /** @param {any} letter */
  const discard = letter => ask({
    title: 'Discard this letter for good?',
    text: `The message ${letter.letterId} is deleted, and the service has its events no more. This cannot be undone.`,
    action: 'Discard',
    run: () => send('DELETE', `${path}/${letter.letterId}`),
    done: () => done(letter.letterId, 'discarded'),
  });
  /** @type {import('../../ui.js').Column[]} */
  const columns = [
    { key: 'letterId', title: 'Letter', value: letter => html`<code>${letter.letterId}</code>` },
    { key: 'time', title: 'Since', value: letter => html`<${DateTime} value=${letter.time} />` },
    { key: 'reason', title: 'Reason', value: letter => excerpt(letter.reason) },
    { key: 'bytes', title: 'Bytes', isNumber: true },
    { key: 'actions', title: 'Actions', value: letter => html`<span class="row" key=${letter.letterId}>
      <button type="button" aria-expanded=${shown === letter.letterId} aria-label=${`Look at ${letter.letterId}`}
        onClick=${() => setShown(shown === letter.letterId ? '' : letter.letterId)}>Look</button>
      ${mayChange && html`
        <button type="button" aria-label=${`Replay ${letter.letterId}`} onClick=${() => replay(letter)}>Replay</button>
        <button type="button" aria-label=${`Discard ${letter.letterId}`} onClick=${() => discard(letter)}>Discard</button>`}
    </span>` },
  ];
  return html`<${Section} id="letters" title="Dead letters" loaded=${loaded}>${(/** @type {any} */ page) => html`
    <p role="status">${said}</p>
    <${Table} caption="Messages of the account that could not be stored, the oldest first" columns=${columns} rows=${page.deadLetters}
      empty="None." />
    <div class="row">
      ${cursors.length > 0 && html`<button type="button" onClick=${() => setCursors(cursors.slice(0, -1))}>Page before</button>`}
      ${page.nextCursor && html`<button type="button" onClick=${() => setCursors([...cursors, page.nextCursor])}>Next page</button>`}
    </div>
    ${shown && html`<${Letter} key=${shown} id=${shown} />`}
    ${dialog}
  `}</${Section}>`;
}

/** @param {string} reason */
const excerpt = reason => reason.length > 200 ? `${reason.slice(0, 200)} …` : reason;

/** @param {{id: string}} props */
function Letter({ id }) {
  const { value, problem, reload } = useLoad(signal => get(`${path}/${id}`, {}, { signal }), [id]);
  return html`<article class="card" aria-label=${`Letter ${id}`}>
    <h3>Letter <code>${id}</code></h3>
    <${Problem} problem=${problem} reload=${reload} />
    ${!value && !problem && html`<${Loading} />`}
    ${value && html`
      <dl>
        <dt>Reason</dt><dd>${value.letter.reason}</dd>
        <dt>Queue</dt><dd>${value.letter.queue}</dd>
        <dt>Content type</dt><dd>${value.letter.contentType ?? '–'}</dd>
        ${Object.entries(value.headers).map(([name, text]) => html`<dt>${name}</dt><dd>${text}</dd>`)}
      </dl>
      <pre tabindex="0" aria-label="Body">${value.body}</pre>
      ${value.isCut && html`<p class="quiet">
        These are its first 64 KiB; the command <code>deadletters show</code> writes all of it.
      </p>`}`}
  </article>`;
}

// @ts-check
import { html } from '../../ui.js';

/**
 * Who took part, with what they told of themselves.
 * @param {{ participant: any, audienceId: string | null }} props
 */
export function Participant({ participant, audienceId }) {
  return html`<section class="card" aria-labelledby="participant">
    <h2 id="participant">Participant</h2>
    ${participant === null
      ? html`<p class="quiet">Nothing is known of the participant at this point.</p>`
      : html`<dl class="session-facts">
          ${participant.demographicsInfo.map((/** @type {any} */ fact, /** @type {number} */ index) => html`<${Fact} key=${index}
            fact=${fact} />`)}
          <div class="session-fact-ids"><dt>Id</dt><dd><code>${participant.participantId}</code></dd></div>
          ${audienceId && html`<div class="session-fact-ids"><dt>Audience</dt><dd><code>${audienceId}</code></dd></div>`}
        </dl>`}
  </section>`;
}

/** @param {{ fact: any }} props */
function Fact({ fact }) {
  const values = fact.type === 'DEMOGRAPHIC_QUESTION_TYPE_MULTIPLE' && fact.value ? fact.value.split(',') : [fact.value ?? '–'];
  return html`<div>
    <dt>${fact.label ?? fact.code ?? 'Unnamed'}</dt>
    ${values.map((/** @type {string} */ value) => html`<dd key=${value}>${value}</dd>`)}
  </div>`;
}

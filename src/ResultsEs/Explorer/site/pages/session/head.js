// @ts-check
import { DateTime, Duration, Status, html } from '../../ui.js';
import { productTypeText } from '../test/picture.js';
import { say } from './words.js';

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'short' });

/** What a session is called. @param {any} result */
export const titleOf = result => `Session of ${day.format(new Date(result.startTime))}`;

/**
 * What a session is, and of which test.
 * @param {{ result: any, test: any }} props
 */
export function Head({ result, test }) {
  return html`<div class="session-head">
    <p class="session-eyebrow"><a href=${`/tests/${result.testId}`}>${test?.title ?? 'The test'}</a></p>
    <h1>${titleOf(result)}</h1>
    <dl class="session-facts">
      <div><dt>Status</dt><dd><${Status} value=${result.status} />${result.abandonCause && html` <span
        class="quiet">${say(result.abandonCause)}</span>`}</dd></div>
      <div><dt>Kind</dt><dd>${productTypeText(result.productType)}</dd></div>
      <div><dt>Started</dt><dd><${DateTime} value=${result.startTime} /></dd></div>
      <div><dt>Ended</dt><dd>${result.finishTime ? html`<${DateTime} value=${result.finishTime} />` : 'not yet'}</dd></div>
      ${result.finishTime && html`<div><dt>Took</dt><dd><${Duration}
        ms=${Date.parse(result.finishTime) - Date.parse(result.startTime)} /></dd></div>`}
      <div class="session-fact-ids"><dt>Id</dt><dd><code>${result.sessionId}</code></dd></div>
    </dl>
  </div>`;
}

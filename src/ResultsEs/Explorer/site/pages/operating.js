// @ts-check
// How the service does, and what of the account needs an operator. Each part shows itself where the session's scopes allow it.
import { useState } from 'preact/hooks';
import { html, useStyle, useTitle } from '../ui.js';
import { Clients } from './operating/clients.js';
import { Erasures } from './operating/erasures.js';
import { Letters } from './operating/letters.js';
import { Service } from './operating/service.js';
import { SetAside } from './operating/set-aside.js';
import { Webhooks } from './operating/webhooks.js';

/** @param {import('../ui.js').PageProps} props */
export default function Operating({ session }) {
  useTitle('Operating');
  useStyle('pages/operating/operating.css');
  const [isPaused, setPaused] = useState(false);
  /** @param {string} scope */
  const may = scope => session.scopes.includes(scope);
  const sees = may('operations:read');
  return html`
    <div class="row operating-head">
      <h1>Operating</h1>
      <button type="button" aria-pressed=${isPaused} onClick=${() => setPaused(!isPaused)}>Pause</button>
      <span class="quiet">${isPaused ? 'Not refreshed.' : 'Refreshed every five seconds while it is looked at.'}</span>
    </div>
    ${!sees && html`<p>How the service does is seen with the scope <code>operations:read</code>, which this sign-in does not have.</p>`}
    ${sees && html`
      <${Service} isPaused=${isPaused} />
      <${Letters} isPaused=${isPaused} mayChange=${may('operations:write')} />
      <${SetAside} isPaused=${isPaused} mayChange=${may('operations:write')} />
      <${Erasures} isPaused=${isPaused} />`}
    ${may('webhooks:write') && html`<${Webhooks} isPaused=${isPaused} />`}
    ${may('clients:admin') && html`<${Clients} isPaused=${isPaused} />`}`;
}

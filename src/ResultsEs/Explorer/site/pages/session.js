// @ts-check
import { html, useTitle } from '../ui.js';

/** @param {import('../ui.js').PageProps} props */
export default function Session({ params }) {
  useTitle('Session');
  return html`<h1>Session</h1><p>${Object.values(params).join(' ')}</p>`;
}

// @ts-check
import { html, useTitle } from '../ui.js';

/** @param {import('../ui.js').PageProps} props */
export default function Tests({ params }) {
  useTitle('Tests');
  return html`<h1>Tests</h1><p>${Object.values(params).join(' ')}</p>`;
}

// @ts-check
import { html, useTitle } from '../ui.js';

/** @param {import('../ui.js').PageProps} props */
export default function Operating({ params }) {
  useTitle('Operating');
  return html`<h1>Operating</h1><p>${Object.values(params).join(' ')}</p>`;
}

// @ts-check
import { html, useTitle } from '../ui.js';

/** @param {import('../ui.js').PageProps} props */
export default function Test({ params }) {
  useTitle('Test');
  return html`<h1>Test</h1><p>${Object.values(params).join(' ')}</p>`;
}

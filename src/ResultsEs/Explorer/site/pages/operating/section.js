// @ts-check
import { Loading, Problem, html } from '../../ui.js';

/**
 * A part of the page: its heading, what went wrong with loading it, and what it shows once it is there.
 * @param {{id: string, title: string, loaded: {value: any, problem?: import('../../api.js').ApiProblem, reload: () => void},
 *   children?: (value: any) => import('preact').ComponentChildren}} props
 */
export function Section({ id, title, loaded, children }) {
  const { value, problem, reload } = loaded;
  return html`<section aria-labelledby=${id}>
    <h2 id=${id} tabindex="-1">${title}</h2>
    <${Problem} problem=${problem} reload=${reload} />
    ${value === undefined && !problem && html`<${Loading} />`}
    ${value !== undefined && children?.(value)}
  </section>`;
}

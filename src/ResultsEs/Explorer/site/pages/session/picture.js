// @ts-check
import { html, mayLoad } from '../../ui.js';
import { WebAddress } from './pieces.js';

/**
 * A picture with what the participant marked on it. One from elsewhere than the allowed origins is not loaded: a frame stands for it.
 * @param {{ imageUrl: string, annotations: any[] }} props
 */
export function Picture({ imageUrl, annotations }) {
  const isLoaded = mayLoad(imageUrl);
  return html`<figure class="session-picture">
    <div class=${isLoaded ? 'session-marked' : 'session-marked session-frame'}>
      ${isLoaded && html`<img src=${imageUrl} alt="What the participant marked" loading="lazy" />`}
      ${annotations.map((mark, index) => html`<${Mark} key=${index} mark=${mark} number=${index + 1} />`)}
    </div>
    <figcaption>
      ${isLoaded ? null : html`<p class="quiet">The picture lies elsewhere and is not loaded here: <${WebAddress}
        url=${imageUrl} /></p>`}
      <ol>${annotations.map(({ comment, x, y }, index) => html`<li key=${index}>
        ${comment ?? 'Without words'} <span class="quiet">at ${percent(x)} from the left, ${percent(y)} from the top</span>
      </li>`)}</ol>
    </figcaption>
  </figure>`;
}

/** A place on the picture: a point, or an area. @param {{ mark: any, number: number }} props */
const Mark = ({ mark: { x, y, width, height }, number }) => html`<span
  class=${width && height ? 'session-mark session-area' : 'session-mark session-point'}
  style=${{ left: percent(x), top: percent(y), ...(width && height ? { width: percent(width), height: percent(height) } : {}) }}
  aria-hidden="true"><b>${number}</b></span>`;

const percent = (/** @type {number} */ fraction) => `${Math.round(fraction * 1000) / 10}%`;

// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { Problem, html, useLoad } from '../../ui.js';
import { counted } from '../test/picture.js';
import { Step } from './pieces.js';
import { PAGE } from './use-versions.js';
import { eventTitle, eventWords, momentWords } from './words.js';

/**
 * The events by pages, with their CloudEvents. The page of the shown version comes by itself, and it is marked.
 * @param {{ versions: import('./use-versions.js').Versions, version: number, last: number, era: number, since: string,
 *   hrefOf: (version: number) => string }} props
 */
export function Events({ versions, version, last, era, since, hrefOf }) {
  const [index, setIndex] = useState(pageOf(version));
  const [isOpen, setOpen] = useState(matchMedia('(min-width: 64rem)').matches);
  const { value: events, problem, reload } = useLoad(() => versions.page(index, last), [versions, index, last, era]);
  useEffect(() => setIndex(pageOf(version)), [version]);

  const list = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const box = list.current;
    const shown = box?.querySelector('[aria-current]');
    if (box && shown instanceof HTMLElement) box.scrollTop = shown.offsetTop - box.clientHeight / 3;
  }, [version, events, isOpen]);

  const pages = Math.ceil(last / PAGE);
  return html`<section class="session-log" aria-labelledby="events">
    <div class="row">
      <h2 id="events">Events</h2>
      <button type="button" class="link" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>
        ${isOpen ? 'Hide' : `Show ${counted(last, 'event')}`}
      </button>
    </div>
    <${Problem} problem=${problem} reload=${reload} />
    ${isOpen && html`
      ${pages > 1 && html`<div class="session-buttons">
        <${Step} isOff=${index === 0} onClick=${() => setIndex(index - 1)}>Earlier events</${Step}>
        <${Step} isOff=${index + 1 >= pages} onClick=${() => setIndex(index + 1)}>Later events</${Step}>
        <span class="quiet">${index * PAGE + 1}–${Math.min(last, (index + 1) * PAGE)} of ${last}</span>
      </div>`}
      <ol class="session-events" ref=${list} tabindex="0" aria-labelledby="events">
        ${(events ?? []).map(event => html`<${EventLine} key=${event.id} event=${event} isShown=${event.sessionversion === version}
          since=${since} href=${hrefOf(event.sessionversion)} />`)}
      </ol>`}
  </section>`;
}

/** @param {{ event: any, isShown: boolean, since: string, href: string }} props */
function EventLine({ event, isShown, since, href }) {
  return html`<li class=${isShown ? 'is-shown' : ''} aria-current=${isShown ? 'true' : undefined} data-version=${event.sessionversion}>
    <p><a href=${href}>${event.sessionversion}. ${eventTitle(event)}</a> <time class="quiet"
      dateTime=${event.time}>${momentWords(event.time, since)}</time></p>
    <p>${eventWords(event)}</p>
    <details><summary>CloudEvent<span class="hidden"> of event ${event.sessionversion}</span></summary><pre
      tabindex="0">${JSON.stringify(event, null, 2)}</pre></details>
  </li>`;
}

const pageOf = (/** @type {number} */ version) => Math.floor((version - 1) / PAGE);

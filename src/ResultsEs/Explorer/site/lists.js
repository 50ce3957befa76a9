// @ts-check
// Lists that come in pages, and searches in them.
import { useEffect, useRef, useState } from 'preact/hooks';
import { address, get } from './api.js';
import { html, useLoad } from './ui.js';

/**
 * The pages of a list up to the one that was asked for. A later revision loads the same pages anew.
 * @param {string} path @param {import('./api.js').Params} params @param {string} member the items of an answer
 * @param {number} [revision] 0: nothing is loaded yet
 * @returns {{items: any[], isLoaded: boolean, hasMore: boolean, more: () => void, problem: import('./api.js').ApiProblem | undefined,
 *   isLoading: boolean, reload: () => void}}
 */
export function usePages(path, params, member, revision = 1) {
  const list = address(path, params);
  const [wanted, setWanted] = useState({ list, pages: 1 });
  const known = useRef({ list: '', revision: 0, pages: /** @type {any[]} */ ([]) });
  const count = wanted.list === list ? wanted.pages : 1;
  const { value, problem, isLoading, reload } = useLoad(async signal => {
    if (revision === 0)
      return undefined;
    const isSame = known.current.list === list && known.current.revision === revision;
    const pages = isSame ? [...known.current.pages] : [];
    while (pages.length < count && (pages.length === 0 || pages[pages.length - 1].nextAfter)) {
      const after = pages[pages.length - 1]?.nextAfter;
      pages.push(await get(after ? `${list}${list.includes('?') ? '&' : '?'}after=${encodeURIComponent(after)}` : list, {}, { signal }));
    }
    known.current = { list, revision, pages };
    return pages;
  }, [list, count, revision]);
  const pages = value ?? [];
  return {
    items: pages.flatMap(page => page[member]),
    isLoaded: value !== undefined,
    hasMore: Boolean(pages[pages.length - 1]?.nextAfter),
    more: () => setWanted({ list, pages: count + 1 }),
    problem,
    isLoading,
    reload,
  };
}

/**
 * A button for the next page of a list. At the list's end it gives the focus to the words that say so.
 * @param {{list: ReturnType<typeof usePages>, noun: string, shown?: number}} props `shown`: how many of the items are shown
 */
export function More({ list, noun, shown = list.items.length }) {
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  const wasPressed = useRef(false);
  const isAtEnd = !list.hasMore;
  useEffect(() => {
    if (isAtEnd && wasPressed.current)
      end.current?.focus({ preventScroll: true });
    wasPressed.current = false;
  }, [isAtEnd]);
  const press = () => {
    wasPressed.current = true;
    list.more();
  };
  return html`<p class="more">
    <span class="quiet" tabindex="-1" ref=${end}>${shown.toLocaleString('en')} ${noun} shown${isAtEnd ? ', these are all' : ''}</span>
    ${list.hasMore && html`<button type="button" onClick=${press} aria-disabled=${list.isLoading ? 'true' : null}>Show more</button>`}
  </p>`;
}

/**
 * A field to search in a list. What is typed counts when the typing rests.
 * @param {{label: string, value: string, onSearch: (text: string) => void}} props
 */
export function SearchField({ label, value, onSearch }) {
  const [text, setText] = useState(value);
  const sent = useRef(value);
  // Another value than the one that was sent from here: the way back was taken.
  if (value !== sent.current) {
    sent.current = value;
    setText(value);
  }
  useEffect(() => {
    if (text === sent.current)
      return;
    const timer = window.setTimeout(() => {
      sent.current = text;
      onSearch(text);
    }, 250);
    return () => window.clearTimeout(timer);
  }, [text]);
  return html`<label class="search">${label}
    <input type="search" maxlength="200" autocomplete="off" value=${text}
      onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
  </label>`;
}

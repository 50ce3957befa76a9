// @ts-check
// Addresses of pages, and going from one to another without loading the document again.
import { useEffect, useState } from 'preact/hooks';

/**
 * Each address with the module of its page. A name after a colon is a parameter.
 * @type {{pattern: string, load: () => Promise<{default: Function}>}[]}
 */
const routes = [
  { pattern: '/', load: () => import('./pages/tests.js') },
  { pattern: '/tests/:testId', load: () => import('./pages/test.js') },
  { pattern: '/sessions/:sessionId', load: () => import('./pages/session.js') },
  { pattern: '/operating', load: () => import('./pages/operating.js') },
  { pattern: '/sign-in', load: () => import('./pages/sign-in.js') },
];

/**
 * The route of a path; null for one that is no page.
 * @param {string} path
 * @returns {{load: () => Promise<{default: Function}>, params: Record<string, string>} | null}
 */
export function match(path) {
  for (const { pattern, load } of routes) {
    const names = pattern.split('/');
    const parts = path.split('/');
    if (names.length !== parts.length || !names.every((name, i) => name.startsWith(':') ? parts[i] : name === parts[i]))
      continue;
    /** @type {Record<string, string>} */
    const params = {};
    try {
      names.forEach((name, i) => {
        if (name.startsWith(':'))
          params[name.slice(1)] = decodeURIComponent(parts[i] ?? '');
      });
    } catch {
      return null;
    }
    return { load, params };
  }
  return null;
}

const changed = new EventTarget();
let isNewPage = false;
let shownPath = location.pathname;

/** Whether the focus has yet to go to the heading of a page that was navigated to. Asking takes it. */
export function takeFocus() {
  const heading = isNewPage ? document.querySelector('main h1') : null;
  if (!(heading instanceof HTMLElement))
    return;
  isNewPage = false;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/**
 * Goes to an address of the explorer.
 * @param {string} href @param {{replace?: boolean}} [options] `replace`: the way back leads past the present address
 */
export function navigate(href, { replace = false } = {}) {
  const url = new URL(href, location.href);
  if (url.origin !== location.origin || !match(url.pathname)) {
    location.assign(href);
    return;
  }
  const isOtherPage = url.pathname !== location.pathname;
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  if (isOtherPage) {
    isNewPage = true;
    window.scrollTo(0, 0);
  }
  changed.dispatchEvent(new Event('change'));
}

/**
 * Sets parameters of the query, and leaves the others: null removes one, a list repeats it.
 * @param {Record<string, string | number | readonly string[] | null>} changes @param {{replace?: boolean}} [options]
 */
export function setQuery(changes, options = { replace: true }) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== null && one !== '')
        query.append(name, String(one));
  }
  navigate(location.pathname + (query.size ? `?${query}` : ''), options);
}

/** The address as it is, and after each change of it. */
export function useAddress() {
  const [address, set] = useState(() => location.pathname + location.search);
  useEffect(() => {
    const update = () => {
      shownPath = location.pathname;
      set(location.pathname + location.search);
    };
    // It is also told of a link to a place in the page, which leaves the focus to the browser.
    const back = () => {
      isNewPage = location.pathname !== shownPath;
      update();
    };
    changed.addEventListener('change', update);
    window.addEventListener('popstate', back);
    document.addEventListener('click', intercept);
    return () => {
      changed.removeEventListener('change', update);
      window.removeEventListener('popstate', back);
      document.removeEventListener('click', intercept);
    };
  }, []);
  return new URL(address, location.origin);
}

/** @param {MouseEvent} event */
function intercept(event) {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
    || link.target || link.hasAttribute('download') || link.origin !== location.origin || !match(link.pathname)
    || (link.hash && link.pathname === location.pathname))
    return;
  event.preventDefault();
  navigate(link.href);
}

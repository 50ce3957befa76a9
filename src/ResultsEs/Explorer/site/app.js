// @ts-check
// The page around all pages: who is signed in, the way to the others, and the page of the present address.
import { render } from 'preact';
import { useCallback, useEffect, useState } from 'preact/hooks';
import { get, send, signedOut } from './api.js';
import { match, navigate, useAddress } from './router.js';
import { Loading, Problem, html, useLoad, useTitle } from './ui.js';

/** @typedef {import('./ui.js').Session} Session */

function App() {
  const address = useAddress();
  const { value: session, problem, reload } = useLoad(signal => get('/explorer/session', {}, { signal }), []);
  useEffect(() => {
    signedOut.addEventListener('signedout', reload);
    return () => signedOut.removeEventListener('signedout', reload);
  }, [reload]);
  const isSigningIn = address.pathname === '/sign-in';
  useEffect(() => {
    if (session && !session.signedIn && !isSigningIn)
      navigate(`/sign-in?returnTo=${encodeURIComponent(address.pathname + address.search)}`, { replace: true });
  }, [session, isSigningIn]);
  const signOut = useCallback(async () => {
    const left = await send('POST', '/explorer/sign-out');
    if (left) {
      // The provider that has signed somebody in sends the browser back.
      location.assign(left.location);
      return;
    }
    navigate('/sign-in', { replace: true });
    reload();
  }, [reload]);

  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <${Header} session=${session} path=${address.pathname} signOut=${signOut} />
    <main id="main" tabindex="-1">
      <${Problem} problem=${problem} reload=${reload} />
      ${!session && !problem && html`<${Loading} />`}
      ${session && (session.signedIn || isSigningIn) && html`<${Page} address=${address} session=${session} reload=${reload} />`}
    </main>
    <footer>
      <a href="/docs">API</a>
      <span>Times are in your time zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.</span>
    </footer>`;
}

/** @param {{session?: Session, path: string, signOut: () => Promise<void>}} props */
function Header({ session, path, signOut }) {
  const [problem, setProblem] = useState(/** @type {any} */ (undefined));
  const isOperator = session?.scopes.some(scope => scope.startsWith('operations:'));
  /** @param {string} href @param {string} name @param {boolean} isHere */
  const link = (href, name, isHere) => html`<a href=${href} aria-current=${isHere ? 'page' : null}>${name}</a>`;
  return html`<header>
    <a class="brand" href="/">Results</a>
    ${session?.signedIn && html`
      <nav aria-label="Pages">
        ${link('/', 'Tests', path === '/')}
        ${isOperator && link('/operating', 'Operating', path === '/operating')}
      </nav>
      <div class="who">
        <span>${session.isAutomatic
          ? html`Signed in by itself as <strong>${session.name}</strong>, in Development only`
          : html`Signed in as <strong>${session.name}</strong>`}</span>
        <button type="button" onClick=${() => signOut().catch(setProblem)}>Sign out</button>
      </div>
      <${Problem} problem=${problem} />`}
  </header>`;
}

/** @param {{address: URL, session: Session, reload: () => void}} props */
function Page({ address, session, reload }) {
  const route = match(address.pathname);
  const [loaded, setLoaded] = useState(/** @type {{path: string, Component?: any, failure?: string}} */ ({ path: '' }));
  useEffect(() => {
    let isCurrent = true;
    route?.load().then(
      module => isCurrent && setLoaded({ path: address.pathname, Component: module.default }),
      error => {
        console.error(error);
        if (isCurrent)
          setLoaded({ path: address.pathname, failure: 'The page could not be loaded. Load it anew: there may be a new version.' });
      });
    return () => {
      isCurrent = false;
    };
  }, [address.pathname]);
  if (!route)
    return html`<${Missing} />`;
  if (loaded.path !== address.pathname)
    return html`<${Loading} />`;
  if (loaded.failure)
    return html`<p role="alert">${loaded.failure}</p>`;
  return html`<${loaded.Component} key=${address.pathname} params=${route.params} query=${address.searchParams} session=${session}
    reloadSession=${reload} />`;
}

function Missing() {
  useTitle('Not found');
  return html`<h1>No such page</h1><p><a href="/">To the tests</a></p>`;
}

const root = document.getElementById('app');
if (root)
  render(html`<${App} />`, root);

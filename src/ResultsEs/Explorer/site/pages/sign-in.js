// @ts-check
import { useEffect, useState } from 'preact/hooks';
import { address, send } from '../api.js';
import { navigate } from '../router.js';
import { Problem, html, useTitle } from '../ui.js';

/** An address of the explorer to go to afterwards, and no other. @param {string | null} returnTo */
function safe(returnTo) {
  const url = URL.parse(returnTo || '/', location.origin);
  return url?.origin === location.origin && url.pathname !== '/sign-in' ? url.pathname + url.search : '/';
}

/** @param {import('../ui.js').PageProps & {reloadSession: () => void}} props */
export default function SignIn({ query, session, reloadSession }) {
  useTitle('Sign in');
  const failed = query.get('failed');
  const returnTo = safe(query.get('returnTo'));
  const [problem, setProblem] = useState(/** @type {any} */ (undefined));
  const [isSending, setSending] = useState(false);
  useEffect(() => {
    if (session.signedIn)
      navigate(returnTo, { replace: true });
  }, [session.signedIn]);

  /** @param {SubmitEvent} event */
  const submit = async event => {
    event.preventDefault();
    if (isSending)
      return;
    const form = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    setSending(true);
    setProblem(undefined);
    try {
      await send('POST', '/explorer/sign-in', { clientId: form.get('clientId'), clientSecret: form.get('clientSecret') });
      reloadSession();
    } catch (error) {
      setProblem(error);
    } finally {
      setSending(false);
    }
  };

  return html`<div class="sign-in">
    <h1>Sign in</h1>
    ${failed && html`<div class="problem" role="alert"><p>${failures[failed] ?? failures.other}</p></div>`}
    ${!window.isSecureContext && html`<div class="problem" role="alert">
      <p>Signing in needs HTTPS: over this connection the browser keeps no session.</p></div>`}
    ${session.ways.issuers.map(issuer => html`
      <p><a class="button" href=${address(issuer.href, { returnTo })}>Sign in with ${issuer.name}</a></p>`)}
    ${session.ways.client && html`
      <form onSubmit=${submit}>
        <h2>With a client's id and secret</h2>
        <label>Client id
          <input name="clientId" autocomplete="username" required maxlength="200" spellcheck=${false} autocapitalize="none" />
        </label>
        <label>Client secret
          <input name="clientSecret" type="password" autocomplete="current-password" required maxlength="1000" />
        </label>
        <${Problem} problem=${problem} />
        <button type="submit" class="primary" aria-disabled=${isSending}>${isSending ? 'Signing in …' : 'Sign in'}</button>
      </form>`}
  </div>`;
}

/** @type {Record<string, string>} */
const failures = {
  refused: 'The provider did not sign you in.',
  expired: 'Signing in took too long, or was begun in another browser. Try again.',
  unreachable: 'The provider does not answer. Try again in a moment.',
  access: 'The provider knows you, but you have no access here. Ask who runs the service.',
  other: 'Signing in failed. Try again; if it goes on, ask who runs the service.',
};

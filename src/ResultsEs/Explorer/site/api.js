// @ts-check
// Requests to the service's public API, with the cookie of the browser's session.

/** A request that the service refused or did not answer. */
export class ApiProblem extends Error {
  /** @param {{status: number, title?: string, detail?: string, errors?: Record<string, string[]>}} problem */
  constructor({ status, title, detail, errors }) {
    super(detail || title || `The service answered ${status}.`);
    this.name = 'ApiProblem';
    /** HTTP's status; 0 when there was no answer. */
    this.status = status;
    this.title = title || 'Request failed';
    this.detail = detail || '';
    /** Messages by field. */
    this.errors = errors || {};
  }
}

/** Told of each answer 401: the session has ended. */
export const signedOut = new EventTarget();

/** @typedef {Record<string, string | number | boolean | readonly string[] | null | undefined> | URLSearchParams} Params */

/**
 * A path with its query. Parameters without a value are left out; a list is repeated.
 * @param {string} path @param {Params} [params]
 */
export function address(path, params) {
  const query = new URLSearchParams();
  const pairs = params instanceof URLSearchParams ? [...params] : Object.entries(params ?? {});
  for (const [name, value] of pairs)
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== null && one !== undefined && one !== '')
        query.append(name, String(one));
  return query.size ? `${path}?${query}` : path;
}

/** @param {string} path @param {RequestInit} init */
async function request(path, init) {
  let response;
  try {
    response = await fetch(path, { credentials: 'same-origin', redirect: 'error', ...init });
  } catch (error) {
    if (init.signal?.aborted)
      throw error;
    throw new ApiProblem({ status: 0, title: 'No answer', detail: 'The service could not be reached. Try again.' });
  }
  if (response.ok)
    return response;
  const isProblem = /[/+]json/.test(response.headers.get('content-type') ?? '');
  const problem = isProblem ? await response.json().catch(() => ({})) : {};
  if (response.status === 401 && path !== '/explorer/sign-in')
    signedOut.dispatchEvent(new Event('signedout'));
  throw new ApiProblem({ ...problem, status: response.status });
}

/**
 * The JSON at a path.
 * @param {string} path @param {Params} [params] @param {{signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export const get = async (path, params, options) =>
  (await request(address(path, params), { headers: { Accept: 'application/json' }, signal: options?.signal })).json();

/**
 * The text at a path: a transcript, a CSV.
 * @param {string} path @param {Params} [params] @param {{signal?: AbortSignal, accept?: string}} [options]
 */
export const text = async (path, params, options) =>
  (await request(address(path, params), { headers: { Accept: options?.accept ?? '*/*' }, signal: options?.signal })).text();

/**
 * Sends a body with a method that changes something; null when the answer has no body.
 * @param {'POST' | 'PUT' | 'PATCH' | 'DELETE'} method @param {string} path @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function send(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json', 'X-Explorer': '1' };
  if (body !== undefined)
    headers['Content-Type'] = 'application/json';
  const response = await request(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const answer = await response.text();
  return answer ? JSON.parse(answer) : null;
}

/**
 * What became of a session.
 * @typedef {{kind: string, sessionId: string, testId: string, updatedTime: string, version?: number, status?: string}} Change
 */

/**
 * Follows the feed of changes until `stop`, and connects again by itself. Without `params.after` it begins with every session.
 * @param {string} path `/api/v3/changes/stream`
 * @param {Params} params
 * @param {(change: Change) => void} onChange
 * @param {(isOpen: boolean) => void} [onState] told when the stream has begun, and when it broke off
 * @returns {() => void} stop
 */
export function follow(path, params, onChange, onState) {
  let isStopped = false;
  /** @type {EventSource | undefined} */
  let source;
  let timer = 0;
  let cursor = '';
  const withoutAfter = [...new URL(address(path, params), location.href).searchParams].filter(([name]) => name !== 'after');
  const connect = () => {
    source = new EventSource(address(path, cursor ? new URLSearchParams([...withoutAfter, ['after', cursor]]) : params));
    /** @param {MessageEvent} event */
    const receive = event => {
      cursor = event.lastEventId || cursor;
      if (!isStopped)
        onChange(JSON.parse(event.data));
    };
    for (const kind of ['upserted', 'removed'])
      source.addEventListener(kind, receive);
    source.onopen = () => isStopped || onState?.(true);
    // The browser connects again where a stream ends. Where it was refused it gives up, and we try later.
    source.onerror = () => {
      if (!isStopped)
        onState?.(false);
      if (source?.readyState !== EventSource.CLOSED || isStopped)
        return;
      timer = window.setTimeout(connect, 10_000);
    };
  };
  connect();
  return () => {
    isStopped = true;
    window.clearTimeout(timer);
    source?.close();
  };
}

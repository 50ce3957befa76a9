// @ts-check
// What is loaded again every few seconds.
import { useEffect, useState } from 'preact/hooks';
import { get } from '../../api.js';
import { useLoad } from '../../ui.js';

const between = 5_000;

/**
 * The JSON at a path, loaded again while somebody looks at the page. The former answer stays meanwhile, so nothing moves and the focus
 * stays where it is.
 * @param {string} path @param {boolean} isPaused @param {import('../../api.js').Params} [params]
 */
export function usePoll(path, isPaused, params) {
  const [round, setRound] = useState(0);
  const loaded = useLoad(signal => get(path, params, { signal }), [path, JSON.stringify(params ?? {}), round]);
  useEffect(() => {
    if (isPaused)
      return;
    const timer = window.setInterval(() => document.hidden || setRound(n => n + 1), between);
    return () => window.clearInterval(timer);
  }, [isPaused]);
  return loaded;
}

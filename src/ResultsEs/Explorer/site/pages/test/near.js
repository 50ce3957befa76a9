// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * Whether an element is in view or near it.
 * @param {{current: Element | null}} place
 */
export function useNear(place) {
  const [isNear, setNear] = useState(false);
  useEffect(() => {
    const element = place.current;
    if (!element)
      return;
    const observer = new IntersectionObserver(entries => setNear(entries[entries.length - 1].isIntersecting), { rootMargin: '600px 0px' });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return isNear;
}

/**
 * A value as it was when the element was last near: what is far away need not be loaded anew.
 * @template T
 * @param {T} value @param {boolean} isNear @returns {T | undefined} undefined before it was near
 */
export function useWhileNear(value, isNear) {
  const held = useRef(/** @type {T | undefined} */ (undefined));
  if (isNear)
    held.current = value;
  return held.current;
}

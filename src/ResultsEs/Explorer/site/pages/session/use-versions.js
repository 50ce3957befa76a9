// @ts-check
import { useEffect, useRef, useState } from 'preact/hooks';
import { get } from '../../api.js';
import { differenceOf } from './difference.js';
import { nullIf404 } from './reads.js';

/** How many results as they were are kept, so that going back and forth asks for each once. */
const KEPT = 8;

/** How many pages of events are kept. */
const KEPT_PAGES = 10;

/** Events of a page of the list. A page holds the events of versions from a multiple of it on. */
export const PAGE = 50;

/** The shortest time between two requests while the slider moves, in milliseconds. */
const BETWEEN_MS = 300;

/**
 * A session as it was after one of its events: its result (null before its start), the event, what it changed, and the
 * events up to then that are at hand.
 * @typedef {{ version: number, result: any, event: any, known: any[],
 *   differences: import('./difference.js').Difference[] }} Moment
 */

/**
 * Reads what a session was, keeps what was read lately.
 */
export class Versions {
  /** @param {string} sessionId */
  constructor(sessionId) {
    this.path = `/api/v3/sessionResults/${sessionId}`;
    /** @type {Map<number, any>} */
    this.results = new Map();
    /** @type {Map<number, { last: number, reading: Promise<any[]>, events: any[] }>} */
    this.pages = new Map();
  }

  /**
   * @param {number} version
   * @param {AbortSignal} signal
   * @returns {Promise<Moment>}
   */
  async read(version, signal) {
    const [result, before, page] = await Promise.all(
      [this.result(version, signal), this.result(version - 1, signal), this.page(Math.floor((version - 1) / PAGE), version)]);
    return {
      version,
      result,
      event: page.find(event => event.sessionversion === version) ?? null,
      known: [...this.pages.values()].flatMap(({ events }) => events).filter(({ sessionversion }) => sessionversion <= version),
      differences: differenceOf(before ?? {}, result ?? {}),
    };
  }

  /**
   * The result after so many events; null where there was none yet.
   * @param {number} version
   * @param {AbortSignal} signal
   */
  async result(version, signal) {
    if (version < 1) return null;
    if (!this.results.has(version)) {
      const result = await get(this.path, { version }, { signal }).catch(nullIf404);
      this.results.set(version, result);
      if (this.results.size > KEPT) this.results.delete([...this.results.keys()][0]);
    }
    return this.results.get(version);
  }

  /**
   * The events of a page, those of its versions alone. Who asks for it meanwhile gets the same.
   * @param {number} index
   * @param {number} last a version of the session that is known: of a page that was read before it, more may have come
   * @returns {Promise<any[]>}
   */
  page(index, last) {
    const end = (index + 1) * PAGE;
    const known = this.pages.get(index);
    if (known && known.last >= Math.min(last, end)) return known.reading;

    const page = { last, reading: this.readPage(index * PAGE, end), events: known?.events ?? [] };
    this.pages.delete(index);
    this.pages.set(index, page);
    if (this.pages.size > KEPT_PAGES) this.pages.delete([...this.pages.keys()][0]);
    page.reading.then(events => {
      page.events = events;
    }, () => this.pages.delete(index));
    return page.reading;
  }

  /**
   * @param {number} begin
   * @param {number} end
   * @returns {Promise<any[]>}
   */
  async readPage(begin, end) {
    const events = [];
    for (let after = begin; after !== undefined && after < end;) {
      const { events: more, meta } = await get(`${this.path}/events`, { after, limit: PAGE });
      events.push(...more);
      after = meta.nextAfter;
    }
    return events.filter(event => event.sessionversion <= end);
  }

  /** Forgets everything: what was stored has been masked, or belongs somewhere else. */
  forget() {
    this.results.clear();
    this.pages.clear();
  }
}

/**
 * The moment of a version. While another one is read the last one stays, with `isLoading`. Of versions that follow each other quickly
 * some are read, and always the last.
 * @param {Versions} versions
 * @param {number | null} version null: nothing is known yet
 * @param {number} era changes when what was read counts no longer
 * @returns {{ moment: Moment | null, problem: any, isLoading: boolean, reload: () => void }}
 */
export function useMoment(versions, version, era) {
  const [state, setState] = useState(/** @type {{ moment: Moment | null, problem: any, isLoading: boolean }} */ ({
    moment: null, problem: null, isLoading: true,
  }));
  const asked = useRef(0);
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (version === null) return undefined;
    const stop = new AbortController();
    setState((/** @type {any} */ before) => ({ ...before, isLoading: true }));
    const wait = Math.max(0, asked.current + BETWEEN_MS - performance.now());
    const timer = setTimeout(async () => {
      asked.current = performance.now();
      try {
        const moment = await versions.read(version, stop.signal);
        if (!stop.signal.aborted) setState({ moment, problem: null, isLoading: false });
      } catch (problem) {
        if (!stop.signal.aborted) setState((/** @type {any} */ before) => ({ ...before, problem, isLoading: false }));
      }
    }, wait);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [versions, version, era, round]);
  return { ...state, reload: () => setRound(now => now + 1) };
}

// @ts-check
import { Component } from 'preact';
import { Badge, html } from '../../ui.js';
import { say } from './words.js';

/**
 * A component that is drawn again only when one of its properties is another: for lists of thousands.
 * @param {(props: any) => any} draw
 */
export const memo = draw => class extends Component {
  /** @param {any} next */
  shouldComponentUpdate(next) {
    const now = /** @type {any} */ (this.props);
    return Object.keys({ ...now, ...next }).some(name => now[name] !== next[name]);
  }

  render() {
    return draw(this.props);
  }
};

/** How a task ended that can succeed or fail. @param {{ outcome: string | null | undefined }} props */
export function Outcome({ outcome }) {
  if (!outcome) return null;
  return html`<${Badge} kind=${outcome === 'SUCCESS' ? 'good' : outcome === 'FAILURE' ? 'bad' : 'plain'}>${say(outcome)}</${Badge}>`;
}

/**
 * A button that keeps the focus when it leads no further.
 * @param {{ isOff: boolean, onClick: () => void, children?: any }} props
 */
export const Step = ({ isOff, onClick, children }) => html`<button type="button" aria-disabled=${isOff ? 'true' : null}
  onClick=${() => isOff || onClick()}>${children}</button>`;

/** Brings a task into view, and the focus to it. @param {string} taskId */
export function goToTask(taskId) {
  const task = document.getElementById(`task-${taskId}`);
  task?.scrollIntoView({ block: 'start' });
  task?.focus({ preventScroll: true });
}

/** An address that somebody visited: a link where it is of the web, else its text. @param {{ url: string }} props */
export function WebAddress({ url }) {
  return isOfTheWeb(url)
    ? html`<a class="session-address" href=${url} target="_blank" rel="noopener noreferrer">${url}</a>`
    : html`<span class="session-address">${url}</span>`;
}

/** @param {string} url */
const isOfTheWeb = url => URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol);

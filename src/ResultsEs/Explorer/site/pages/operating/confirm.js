// @ts-check
// A question before something is done that cannot be undone.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem, html } from '../../ui.js';

/**
 * What is asked, and done on yes.
 * @typedef {{title: string, text: string, action: string, run: () => Promise<unknown>, done: () => void}} Question
 */

/**
 * A function that asks, and the dialog to put into the page. While the action runs the dialog stays; what goes wrong is said in it.
 * @returns {[(question: Question) => void, import('preact').VNode | null]}
 */
export function useConfirm() {
  const [question, ask] = useState(/** @type {Question | null} */ (null));
  const close = useCallback(() => ask(null), []);
  return [ask, question && html`<${Dialog} question=${question} close=${close} />`];
}

/** @param {{question: Question, close: () => void}} props */
function Dialog({ question, close }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const [state, setState] = useState(/** @type {{isRunning: boolean, problem?: any}} */ ({ isRunning: false }));
  useEffect(() => dialog.current?.showModal(), []);
  const run = async () => {
    setState({ isRunning: true });
    try {
      await question.run();
      dialog.current?.close();
      question.done();
    } catch (problem) {
      setState({ isRunning: false, problem });
    }
  };
  return html`<dialog ref=${dialog} onClose=${close} aria-labelledby="question" aria-describedby="question-text">
    <h2 id="question">${question.title}</h2>
    <p id="question-text">${question.text}</p>
    <${Problem} problem=${state.problem} />
    <div class="row">
      <button type="button" onClick=${() => dialog.current?.close()}>Cancel</button>
      <button type="button" class="primary" aria-disabled=${state.isRunning ? 'true' : null}
        onClick=${() => state.isRunning || run()}>${question.action}</button>
    </div>
  </dialog>`;
}

// @ts-check

/**
 * A step of a run: an interaction, the screen it was on, and what became of a click.
 * @typedef {{ atMs: number, kind: string, screen?: string, target?: string, point?: { x: number, y: number },
 *   place?: { x: number, y: number }, click?: 'hit' | 'missed' | 'released', interaction: any }} FigmaStep
 */

const LONGEST_MS = 500;
const FARTHEST = 1;

/**
 * The steps of a run, in its order. Clicks count as the service counts them: a press and its release are one click, which hit when
 * either was handled.
 * @param {any[]} interactions
 * @returns {FigmaStep[]}
 */
export function stepsOf(interactions) {
  /** @type {FigmaStep[]} */
  const steps = [];
  /** @type {FigmaStep | undefined} */
  let pressed;
  /** @type {string | undefined} */
  let screen;
  for (const interaction of interactions) {
    screen = interaction.presentedNodeId ?? screen;
    /** @type {FigmaStep} */
    const step = {
      atMs: interaction.atMs,
      kind: interaction.kind,
      screen,
      target: interaction.targetNodeId ?? undefined,
      point: interaction.nearestScrollingFrameMousePosition ?? undefined,
      place: interaction.targetNodeMousePosition ?? interaction.nearestScrollingFrameMousePosition ?? undefined,
      interaction,
    };
    steps.push(step);
    if (step.kind !== 'MOUSE_PRESS_OR_RELEASE') continue;

    if (pressed && isReleaseOf(step, pressed)) {
      step.click = 'released';
      if (interaction.handled === true) pressed.click = 'hit';
      pressed = undefined;
    } else {
      step.click = interaction.phase === 'RELEASE' ? 'released' : interaction.handled === false ? 'missed' : 'hit';
      pressed = interaction.phase === 'RELEASE' ? undefined : step;
    }
  }

  return steps;
}

/**
 * @param {FigmaStep} step
 * @param {FigmaStep} pressed
 */
function isReleaseOf(step, pressed) {
  if (step.interaction.phase || pressed.interaction.phase) return step.interaction.phase === 'RELEASE';
  return (step.target !== undefined || step.place !== undefined)
    && step.target === pressed.target
    && step.atMs - pressed.atMs <= LONGEST_MS
    && isNear(step.place?.x, pressed.place?.x)
    && isNear(step.place?.y, pressed.place?.y);
}

/**
 * @param {number | undefined} one
 * @param {number | undefined} other
 */
const isNear = (one, other) => (one === undefined || other === undefined ? one === other : Math.abs(one - other) <= FARTHEST);

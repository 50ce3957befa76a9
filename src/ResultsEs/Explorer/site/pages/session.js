// @ts-check
// A session: what was recorded, what is shown of it, and how it came to be so, event by event.
import { useMemo, useRef, useState } from 'preact/hooks';
import { LiveState } from '../live.js';
import { setQuery } from '../router.js';
import { Loading, Problem, html, useLoad, useStyle, useTitle } from '../ui.js';
import { Changes } from './session/changes.js';
import { tasksOf } from './session/difference.js';
import { Events } from './session/events.js';
import { TaskGroups } from './session/groups.js';
import { Head, titleOf } from './session/head.js';
import { useLiveSession } from './session/live.js';
import { Participant } from './session/participant.js';
import { readNewest, readTest } from './session/reads.js';
import { Recording, readCues, readMedia } from './session/recording.js';
import { Tasks } from './session/tasks.js';
import { Timeline } from './session/timeline.js';
import { Versions, useMoment } from './session/use-versions.js';
import { eventTitle } from './session/words.js';
import { counted } from './test/picture.js';

/** @param {import('../ui.js').PageProps} props */
export default function Session({ params: { sessionId = '' }, query }) {
  useStyle('pages/tests.css');
  useStyle('pages/session/session.css');
  const [era, setEra] = useState(0);
  const cursor = useRef(/** @type {string | undefined} */ (undefined));
  const { value: newest, problem, reload } = useLoad(signal => readNewest(sessionId, cursor.current, signal), [sessionId, era]);
  cursor.current = newest?.cursor;
  useTitle(newest ? titleOf(newest.result) : 'Session');

  if (problem?.status === 404 || problem?.status === 400)
    return html`<h1>No such session</h1>
      <p>There is no session <code>${sessionId}</code> that you may see. <a href="/">To the tests</a></p>`;
  if (!newest)
    return html`<h1>Session</h1>${problem ? html`<${Problem} problem=${problem} reload=${reload} />` : html`<${Loading} />`}`;
  return html`<${Problem} problem=${problem} reload=${reload} />
    <${Shown} newest=${newest} asked=${query.get('version')} era=${era} onChange=${() => setEra(now => now + 1)} />`;
}

/**
 * The session as it is, or as it was after the event that the address names.
 * @param {{ newest: import('./session/reads.js').Newest, asked: string | null, era: number, onChange: () => void }} props
 */
function Shown({ newest: { result: now, last, kinds, cursor }, asked, era, onChange }) {
  const { sessionId, testId } = now;
  const pinned = asked !== null && /^[1-9]\d{0,8}$/.test(asked) ? Number(asked) : null;
  const version = Math.min(pinned ?? last, last);
  const versions = useMemo(() => new Versions(sessionId), [sessionId]);
  const { moment, problem, isLoading, reload } = useMoment(versions, version, era);
  const { value: test } = useLoad(signal => readTest(testId, signal), [testId]);
  const media = useLoad(() => readMedia(sessionId), [sessionId, era]);
  const hadTranscript = pinned !== null && Boolean(media.value?.cues);
  const past = useLoad(
    async signal => hadTranscript && moment ? readCues(sessionId, { version: moment.version, signal }) : null,
    [sessionId, era, hadTranscript, moment?.version]);
  const [control, setControl] = useState(/** @type {import('./session/player.js').PlayerControl | null} */ (null));
  const news = useNews(last);
  const live = useLiveSession({
    testId, sessionId, cursor, last, onChange: isGone => {
      if (isGone) versions.forget();
      onChange();
    },
  });

  const isNewest = pinned === null;
  const result = isNewest ? now : moment?.result;
  const isCurrent = moment?.version === version;
  const jump = useMemo(() => control && ((/** @type {number} */ ms) => control.play(ms)), [control]);
  const choose = (/** @type {number} */ next) => setQuery({ version: next === last ? null : next });
  const hrefOf = (/** @type {number} */ other) => `/sessions/${sessionId}${other === last ? '' : `?version=${other}`}`;

  return html`<${Head} result=${result ?? now} test=${test} />
    ${isNewest && html`<p class="session-live"><${LiveState} live=${live} /></p>`}
    <p class="hidden" role="status">${news} ${isCurrent && momentWords(moment, last)}</p>
    ${pinned !== null && pinned > last && html`<div class="problem" role="alert">
      <p>The session has no event ${pinned}: its last is ${last}, which is shown.</p>
    </div>`}
    <div class="session">
      <div class="session-side">
        <section class="card session-history" aria-labelledby="history" aria-busy=${isLoading}>
          <h2 id="history">History</h2>
          <${Timeline} version=${version} last=${last} isNewest=${isNewest} event=${isCurrent ? moment.event : null} onChoose=${choose}
            isLoading=${isLoading} />
          <${Problem} problem=${problem} reload=${reload} />
          ${moment && html`<h3>Event ${moment.version}${moment.event && `: ${eventTitle(moment.event)}`}</h3>
            <${Changes} moment=${moment} />`}
        </section>
        <${Events} versions=${versions} version=${version} last=${last} era=${era} since=${now.startTime} hrefOf=${hrefOf} />
      </div>
      <div class="session-content">
        ${!isNewest && html`<p class="session-past">
          This is the session as it was after event ${moment?.version ?? version} of ${last}.${' '}
          <a href=${hrefOf(last)}>Show it as it is now</a></p>`}
        <${Problem} problem=${media.problem} reload=${media.reload} />
        <${Problem} problem=${past.problem} reload=${past.reload} />
        ${media.value && html`<${Recording} sessionId=${sessionId} control=${control} jump=${jump}
          media=${isNewest ? media.value : { ...media.value, cues: past.value ?? null }}
          onControl=${setControl} isPast=${!isNewest} />`}
        ${result && html`
          <${Participant} participant=${result.sessionParticipant} audienceId=${result.audienceId} />
          <${TaskGroups} groups=${result.taskGroups} study=${test} known=${moment?.known ?? []} tasks=${result.tasks} />
          <${Tasks} result=${result} kinds=${isNewest ? kinds : null}
            changed=${isCurrent ? tasksOf(moment.differences) : new Set()} jump=${jump} isNewest=${isNewest} />`}
        ${result === null && html`<p class="card quiet">There is no result yet: the session's start was stored later.</p>`}
        ${result === undefined && html`<${Loading} />`}
      </div>
    </div>`;
}

/** What has come since the page was opened. @param {number} last */
function useNews(last) {
  const [first] = useState(last);
  return last === first ? '' : `${counted(last - first, 'new event')}.`;
}

/** What is shown, for who does not see it. @param {import('./session/use-versions.js').Moment} moment @param {number} last */
const momentWords = ({ version, event, differences }, last) =>
  `Event ${version} of ${last}${event ? `: ${eventTitle(event)}` : ''}. ${counted(differences.length, 'change')}.`;

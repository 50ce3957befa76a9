// A test with a task of each type, and its sessions, as events.
import { randomUUID } from 'node:crypto';

const WORKSPACE = '0d3a0000-0000-4000-8000-0000000000a1';

/** That of three in four sessions. */
export const AUDIENCE = randomUUID();

/** A test that nobody has seen. `defined()` is the event of its definition, `session(n)` the events of its n-th session. */
export function testOf() {
  const id = randomUUID();
  const title = `Pictures of ${id.slice(0, 8)}`;
  const group = randomUUID();
  const answers = [
    ['BLANK', 'Read the introduction.', () => ({})],
    ['WRITTEN', 'What would make you come back?', n => ({ text: ['A better rate.', 'No notice period.', 'Nothing, really.'][n % 3] })],
    ['RATING_SCALE', 'How easy was it?', n => ({ value: 1 + n % 4, min: 1, max: 5, minLabel: 'Hard', maxLabel: 'Easy' })],
    ['MATRIX', 'How far do you agree?', n => ({
      rows: ['The terms are clear', 'I trust it'].map((label, row) =>
        ({ id: `r${row}`, label, selections: [{ id: `c${(n + row) % 3}`, label: ['No', 'Neither', 'Yes'][(n + row) % 3], value: (n + row) % 3 }] })),
    })],
    ['MULTIPLE_CHOICE', 'Which did you look for?', n => ({
      multiSelect: true, randomizedOptions: false,
      options: ['Rate', 'Term', 'Safety'].map((one, option) => ({ id: `o${option}`, text: one, selected: n % (option + 2) === 0 })),
      ...(n === 1 ? { otherText: 'The colour' } : {}),
    })],
    ['MULTIPLE_CHOICE', 'How often?', n => ({
      multiSelect: false, randomizedOptions: false, options: ['Daily', 'Weekly', 'Never'].map((one, option) => ({ id: `p${option}`, text: one, selected: n % 3 === option })),
    })],
    ['RANK_ORDER', 'Put them in order.', n => ({ ranking: ['Rate', 'App', 'Branch'].map((one, option) => ({ rank: 1 + (option + (n % 4 === 0 ? 1 : 0)) % 3, id: `k${option}`, text: one })) })],
    ['IMAGE', 'Mark what you saw first.', n => ({
      imageUrl: 'https://images.example/page.png',
      annotations: [n % 2 === 0 ? { x: 0.5, y: 0.25, width: 0.2, height: 0.1, comment: `Large ${n}` } : { x: 0.1, y: 0.75, comment: `Small ${n}` }],
    })],
    ['URL', 'Find the price.', n => ({
      url: 'https://shop.example/', outcome: ['SUCCESS', 'FAILURE', 'SUCCESS', 'UNKNOWN'][n % 4],
      visits: [{ url: 'https://shop.example/', atMs: 10 }, ...(n % 3 === 0 ? [{ url: 'https://shop.example/help', atMs: 20 }] : [])],
    })],
    ['FIGMA', 'Fill the basket.', n => ({ prototypeUrl: 'https://prototypes.example/basket', figmaPrototypeTitle: 'Basket', outcome: n % 3 === 0 ? 'FAILURE' : 'SUCCESS' })],
    ['NPS', 'Would you recommend us?', n => ({ score: (n * 7) % 11 })],
  ];
  const tasks = answers.map(([type, words], position) => ({ taskId: randomUUID(), position, text: words, type }));
  const event = (subject, time, type, data) => ({ specversion: '1.0', id: randomUUID(), source: '/recorder/explorer', type: `results.${type}.v1`, subject, time, data });
  return {
    id, title, tasks,
    defined: () => event(id, '2026-03-01T09:00:00Z', 'TestDefined', { workspaceId: WORKSPACE, title, productType: 'NON_THINK_OUT_LOUD', orderedAt: '2026-03-01T09:00:00Z', tasks }),
    session: n => {
      const session = randomUUID();
      const start = Date.UTC(2026, 2, 2 + n % 5, 9, n);
      const at = ms => new Date(start + ms).toISOString();
      const record = (ms, type, data) => event(session, at(ms), type, data);
      return [
        record(0, 'SessionStarted', { workspaceId: WORKSPACE, testId: id, productType: 'NON_THINK_OUT_LOUD', startedAt: at(0), ...(n % 4 < 3 ? { audienceId: AUDIENCE } : {}) }),
        record(1, 'ParticipantProfiled', { participantId: randomUUID(), demographics: [{ code: 'AGE', label: 'Age', value: n % 3 === 0 ? '18–24' : '35–44', type: 'DEMOGRAPHIC_QUESTION_TYPE_SINGLE' }] }),
        ...answers.map(([type, words, answer], position) => {
          const times = { startTimeMs: position * 10_000, endTimeMs: position * 10_000 + 1000 + n * 137 };
          const task = { taskId: tasks[position].taskId, position, text: words, ...times };
          return type === 'URL' && n % 5 === 4
            ? record(position + 2, 'TaskSkipped', { ...task, taskType: type, reason: 'USER' })
            : record(position + 2, 'TaskAnswered', { ...task, answer: { type, ...answer(n) } });
        }),
        ...['1:2', '1:3'].slice(0, 1 + n % 2).flatMap((node, step) => [
          record(90_000 + step * 200, 'FigmaInteractionRecorded', { taskId: tasks[9].taskId, atMs: 90_000 + step * 200, kind: 'PRESENTED_NODE_CHANGED', presentedNodeId: node }),
          record(90_100 + step * 200, 'FigmaInteractionRecorded', { taskId: tasks[9].taskId, atMs: 90_100 + step * 200, kind: 'MOUSE_PRESS_OR_RELEASE', presentedNodeId: node, targetNodeId: `9:${n % 2}`, handled: false }),
        ]),
        record(100_000, 'TaskGroupScored', {
          taskGroupId: group, label: 'Fill the basket', score: 70 + n, components: { behavioral: 80, attitudinal: 60 + n },
          values: { behavioral: [100, 60], usability: 75, trust: 66, appearance: 58, loyalty: 60 },
        }),
        ...(n % 6 === 5 ? [record(200_000, 'SessionAbandoned', { abandonedAt: at(200_000) })] : n % 6 === 4 ? [] : [record(200_000, 'SessionCompleted', { finishedAt: at(200_000) })]),
      ];
    },
  };
}

// What the browser test of a session's page knows and asks: the samples, the API, and what the page shows as data.
export const SURVEY = '019cadd3-8812-7bd4-81dd-7f301bef0d65';
export const ABANDONED = '019cafda-151c-7f85-ab23-180b21d91d3b';
export const CONVERSATION = '019cb3ff-d182-7bde-8cea-a4b0b40d42a9';
export const INTERACTIONS = '019cba8c-cce1-7dba-9636-acd933b86255';
export const ALOUD = '019cbcfc-0abd-70c4-b470-2ec348fd6010';

/** Requests of the page itself, so with its own session and rights. */
export const apiOf = page => async (path, init) => {
  const { status, type, text } = await page.evaluate(async ([address, options]) => {
    const answer = await fetch(address, options);
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() };
  }, [path, init ?? {}]);
  return { status, body: /json/.test(type) ? JSON.parse(text) : text };
};

export const result = async (api, id, version) =>
  (await api(`/api/v3/sessionResults/${id}${version === undefined ? '' : `?version=${version}`}`)).body;

export const open = async (page, url, id, query = '') => {
  await page.goto(`${url}/sessions/${id}${query}`);
  await page.getByRole('heading', { level: 2, name: 'Tasks' }).waitFor();
};

/** What the page shows of a result, as data: what is compared. */
export const shown = page => page.evaluate(() => ({
  status: document.querySelector('.session-head .badge')?.textContent,
  demographics: [...document.querySelectorAll('[aria-labelledby=participant] dl > div:not(.session-fact-ids)')].map(fact => ({
    label: fact.querySelector('dt')?.textContent, value: [...fact.querySelectorAll('dd')].map(value => value.textContent).join(','),
  })),
  tasks: [...document.querySelectorAll('.session-task h3')].map(task => task.textContent),
  skipped: [...document.querySelectorAll('.session-task')].map(
    task => [...task.querySelectorAll('.badge')].some(badge => badge.textContent === 'Skipped')),
  groups: [...document.querySelectorAll('.session-score strong')].map(score => score.textContent),
}));

/** The same of a result of the API. */
export const told = body => ({
  status: { COMPLETE: 'Complete', IN_PROGRESS: 'In progress', ABANDONED: 'Abandoned' }[body.status],
  demographics: (body.sessionParticipant?.demographicsInfo ?? []).map(({ label, value }) => ({ label, value })),
  tasks: body.tasks.map(task => task.text),
  skipped: body.tasks.map(task => task.response.skipped),
  groups: body.taskGroups.map(({ response: { score, sequence } }) => (score === undefined ? [...sequence].join(' → ') : String(score))),
});

export const isAt = (page, version) => page.getByRole('heading', { level: 3, name: new RegExp(`^Event ${version}(:|$)`) }).waitFor();

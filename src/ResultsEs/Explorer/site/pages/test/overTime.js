// @ts-check
import { statusColours } from './colours.js';
import { counted, sum, words } from './picture.js';
import { legendOf } from './stacks.js';

/**
 * @typedef {{start: string, complete: number, inProgress: number, abandoned: number}} Bucket
 * @typedef {{unit: 'HOUR'|'DAY'|'WEEK'|'MONTH', buckets: Bucket[]}} OverTime
 */

/** Of the axis. The years are in the caption. */
const formats = { HOUR: '%-d %b %H:%M', DAY: '%-d %b', WEEK: '%-d %b', MONTH: '%b %Y' };

/**
 * Sessions by the time of their start, in UTC.
 * @param {OverTime} overTime @returns {import('./picture.js').Picture}
 */
export const overTimePicture = ({ unit, buckets }) => {
  const total = sum(buckets.map(bucket => bucket.complete + bucket.inProgress + bucket.abandoned));
  return {
    name: 'sessions-over-time',
    title: `Sessions started, by ${unit.toLowerCase()}`,
    description: buckets.length === 0
      ? 'No session.'
      : `${counted(total, 'session')} from ${timeText(buckets[0].start, unit)} `
        + `to ${timeText(buckets[buckets.length - 1].start, unit)} (UTC).`,
    spec: specOf(unit, buckets),
    columns: [
      { key: 'start', title: `${words(unit)} from (UTC)` },
      { key: 'complete', title: 'Complete', isNumber: true },
      { key: 'inProgress', title: 'In progress', isNumber: true },
      { key: 'abandoned', title: 'Abandoned', isNumber: true },
      { key: 'total', title: 'All', isNumber: true },
    ],
    rows: buckets.map(bucket => ({
      start: timeText(bucket.start, unit),
      complete: bucket.complete,
      inProgress: bucket.inProgress,
      abandoned: bucket.abandoned,
      total: bucket.complete + bucket.inProgress + bucket.abandoned,
    })),
  };
};

/** The end of a bucket. @param {string} start @param {OverTime['unit']} unit */
export const endOf = (start, unit) => {
  const end = new Date(start);
  switch (unit) {
    case 'HOUR': end.setUTCHours(end.getUTCHours() + 1); break;
    case 'DAY': end.setUTCDate(end.getUTCDate() + 1); break;
    case 'WEEK': end.setUTCDate(end.getUTCDate() + 7); break;
    case 'MONTH': end.setUTCMonth(end.getUTCMonth() + 1); break;
  }

  return end.toISOString();
};

/** @param {string} start @param {OverTime['unit']} unit */
const timeText = (start, unit) => {
  const text = new Date(start).toISOString();
  return unit === 'HOUR' ? `${text.slice(0, 10)} ${text.slice(11, 16)}` : unit === 'MONTH' ? text.slice(0, 7) : text.slice(0, 10);
};

/** @param {OverTime['unit']} unit @param {Bucket[]} buckets */
const specOf = (unit, buckets) => {
  /** @type {['complete'|'inProgress'|'abandoned', keyof typeof statusColours][]} */
  const statuses = [['complete', 'COMPLETE'], ['inProgress', 'IN_PROGRESS'], ['abandoned', 'ABANDONED']];
  const labels = statuses.map(([, status]) => words(status));
  const values = buckets.flatMap(bucket => {
    let from = 0;
    return statuses.map(([key, status]) => {
      const segment = {
        start: Date.parse(bucket.start),
        end: Date.parse(endOf(bucket.start, unit)),
        status: words(status),
        from,
        to: from + bucket[key],
        tooltip: `${timeText(bucket.start, unit)}, ${words(status).toLowerCase()}: ${bucket[key].toLocaleString('en')}`,
      };
      from = segment.to;
      return segment;
    });
  }).filter(segment => segment.to > segment.from);
  const span = buckets.length === 0
    ? {}
    : { domain: [Date.parse(buckets[0].start), Date.parse(endOf(buckets[buckets.length - 1].start, unit))] };
  return {
    data: { values },
    height: 180,
    mark: { type: 'bar', x2Offset: -1, binSpacing: 0 },
    encoding: {
      x: {
        field: 'start',
        type: 'temporal',
        scale: { type: 'utc', ...span, nice: false },
        axis: {
          title: null,
          format: formats[unit],
          tickCount: { expr: 'max(2, min(8, floor(width / 110)))' },
          labelOverlap: true,
          labelFlush: true,
          grid: false,
        },
      },
      x2: { field: 'end' },
      y: { field: 'from', type: 'quantitative', axis: { title: 'Sessions', tickMinStep: 1, tickCount: 4, format: ',d' } },
      y2: { field: 'to' },
      color: {
        field: 'status',
        type: 'nominal',
        scale: { domain: labels, range: Object.values(statusColours) },
        legend: legendOf(labels),
      },
      tooltip: { field: 'tooltip' },
      description: { field: 'tooltip' },
    },
  };
};

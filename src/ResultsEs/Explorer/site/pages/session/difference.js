// @ts-check

/**
 * A step of a path: the name of a member, or an item of a list.
 * @typedef {string | { item: any, index: number }} Step
 */

/**
 * What differs at a path. A member that is null counts as one that is not there.
 * @typedef {{ kind: 'added' | 'changed' | 'removed' | 'moved', path: Step[], before?: any, after?: any }} Difference
 */

/**
 * How two JSON values differ, in the order of the members. Items of a list are compared with those of the same identity, where each
 * has one, else with those at the same place.
 * @param {any} before
 * @param {any} after
 * @param {Step[]} [path]
 * @returns {Difference[]}
 */
export function differenceOf(before, after, path = []) {
  if (isNothing(before) && isNothing(after)) return [];
  if (isNothing(before)) return [{ kind: 'added', path, after }];
  if (isNothing(after)) return [{ kind: 'removed', path, before }];
  if (Array.isArray(before) && Array.isArray(after)) return itemsDiffer(before, after, path);
  if (isObject(before) && isObject(after))
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .flatMap(name => differenceOf(before[name], after[name], [...path, name]));
  return before === after ? [] : [{ kind: 'changed', path, before, after }];
}

/**
 * The ids of the tasks that differences touch.
 * @param {Difference[]} differences
 * @returns {Set<string>}
 */
export function tasksOf(differences) {
  return new Set(differences
    .map(({ path: [list, step] }) => (list === 'tasks' && typeof step === 'object' ? step.item.uuid : undefined))
    .filter(id => id !== undefined));
}

/**
 * @param {any[]} before
 * @param {any[]} after
 * @param {Step[]} path
 * @returns {Difference[]}
 */
function itemsDiffer(before, after, path) {
  const isByIdentity = hasIdentities(before) && hasIdentities(after);
  const keyOf = isByIdentity ? identityOf : (/** @type {any} */ _, /** @type {number} */ index) => String(index);
  const old = new Map(before.map((item, index) => [keyOf(item, index), { item, index }]));
  const now = new Map(after.map((item, index) => [keyOf(item, index), { item, index }]));

  const stayed = [...now].flatMap(([key, step]) => differenceOf(old.get(key)?.item, step.item, [...path, step]));
  const gone = [...old].filter(([key]) => !now.has(key)).flatMap(([, step]) => differenceOf(step.item, undefined, [...path, step]));
  const order = [...old.keys()].filter(key => now.has(key));
  const isMoved = [...now.keys()].filter(key => old.has(key)).some((key, place) => key !== order[place]);
  return [...(isMoved ? [/** @type {Difference} */ ({ kind: 'moved', path, before, after })] : []), ...stayed, ...gone];
}

/** @param {any[]} items */
const hasIdentities = items => new Set(items.map(item => identityOf(item) ?? '')).size === items.length && items.every(identityOf);

/** @param {any} item */
const identityOf = item => (isObject(item) ? item.uuid ?? item.id ?? item.code ?? item.label : undefined);

/** @param {any} value */
const isNothing = value => value === undefined || value === null;

/** @param {any} value */
const isObject = value => typeof value === 'object' && value !== null && !Array.isArray(value);

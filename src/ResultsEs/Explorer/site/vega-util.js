// What vega-interpreter takes from vega-util, of the one copy that vega's file holds.
// @ts-nocheck
import 'vega';

export const { ascending, isString, DisallowedObjectProperties } = globalThis.vega;

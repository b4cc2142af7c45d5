/* Parameters and the metric as axes from 0 to 1. */

import { charts } from "./page.js";

/* The trials that are ranked, best first, and those that collapsed. */
export const ranked = charts.trials.filter((trial) => trial.ranked);
export const fallen = charts.trials.filter((trial) => trial.collapse);

const short = (value) => {
  if (typeof value !== "number") return String(value);
  const lacking = Math.abs(1 - Math.abs(value)); // near 1 its digits count, as in the table
  if (lacking > 0 && lacking < 0.01) return String(Number(value.toFixed(2 - Math.floor(Math.log10(lacking)))));
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
};
export const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

const choicesScale = (values) => {
  const choices = [...new Set(values)].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const at = (value) => (choices.length > 1 ? choices.indexOf(value) / (choices.length - 1) : 0.5);
  return { choices, at, ticks: choices.map((choice) => [at(choice), clip(choice, 16)]), varied: choices.length > 1 };
};

const numbersScale = (values, log) => {
  const bent = log ? Math.log10 : (value) => value;
  const low = bent(Math.min(...values));
  const high = bent(Math.max(...values));
  const at = (value) => (high > low ? (bent(value) - low) / (high - low) : 0.5);
  const back = (place) => {
    const value = low + place * (high - low);
    return log ? 10 ** value : value;
  };
  return {
    at,
    ticks: [0, 0.5, 1].map((place) => [place, short(back(place))]),
    varied: high > low,
    span: back(1) / back(0),
  };
};

/* A parameter as an axis: where a value stands on it, from 0 to 1, its ticks, and whether its values differ. */
const scaleOf = (param, index) => {
  const values = charts.trials.map((trial) => trial.values[index]).filter((value) => value != null);
  return param.number ? numbersScale(values, param.log) : choicesScale(values);
};

/* The parameters that differ between trials, each with its place in a trial's values and its scale. */
export const parameters = charts.params.map((param, index) => ({ param, index, scale: scaleOf(param, index) }))
  .filter(({ scale }) => scale.varied);

export const metricScale = () => {
  const values = ranked.map((trial) => trial.best);
  const low = Math.min(...values);
  const high = charts.worst ? charts.worst[1] : Math.max(...values);
  const at = (value) => Math.min(1, high > low ? (value - low) / (high - low) : 0.5);
  return { at, ticks: [0, 0.5, 1].map((place) => [place, short(low + place * (high - low))]) };
};

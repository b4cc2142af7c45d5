/* Which trials' pictures are shown, and in which order: by the result, or by a parameter, which is then told. */

import { cards } from "./atlas.js";
import { chosen, keep } from "./choices.js";
import { compare } from "./conditions.js";
import { cellOf, onFilter, passes, sayCount } from "./filter.js";
import { byId } from "./page.js";

const select = byId("order");
const paths = new Set([...select?.options ?? []].map((option) => option.value));

/* The keys of all trials with pictures in the chosen order, each with what is told of it; missing values stay last. */
const ordered = () => {
  const path = chosen.order;
  const keys = [...cards.keys()]; // best first
  if (!path) return keys.map((key) => [key, ""]);
  const title = select.selectedOptions[0].textContent;
  const cells = keys.map((key) => [key, cellOf(key, path)]);
  cells.sort(([, a], [, b]) => {
    if (a.place === "" || b.place === "") return (a.place === "") - (b.place === "");
    return compare(a.place, b.place);
  });
  return cells.map(([key, { words }]) => [key, `${title} ${words}`]);
};

const arranged = []; // places, each with its elements by the keys of trials

const arrangeOne = ({ place, elements }) => {
  for (const [key, words] of ordered()) {
    const one = elements.get(key);
    one.hidden = !passes(key);
    one.querySelector("[data-ordered]").textContent = words;
    place.append(one);
  }
};

const arrangeAll = () => {
  arranged.forEach(arrangeOne);
  const keys = [...cards.keys()];
  sayCount("pictured", keys.filter(passes).length, keys.length);
};

/* Keeps the elements of a place, by the keys of their trials, in order, and hides those that are filtered away. */
export const arrange = (place, elements) => {
  arranged.push({ place, elements });
  arrangeOne(arranged.at(-1));
};

export const showOrder = () => {
  if (!select) return;
  select.value = paths.has(chosen.order) ? chosen.order : "";
  keep({ order: select.value });
  arrange(byId("gallery"), new Map([...cards].map(([key, button]) => [key, button.closest("li")])));
  select.addEventListener("change", () => {
    keep({ order: select.value });
    arrangeAll();
  });
  onFilter(arrangeAll);
};

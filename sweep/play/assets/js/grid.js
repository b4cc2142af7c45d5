/* The pictures of a seed: a grid of buttons that pin, and what chooses other pictures. */

import { alarm, byId, later, make, say, show } from "./page.js";
import { about, addressOf, called, choose, fileFor, isSeed, numbered, PAGE, pictureAt, state, whenChanged } from "./state.js";

const grid = byId("grid");

export const togglePin = (picture) => {
  const pinned = state.pins.includes(picture);
  if (!pinned && state.pins.length === about.stops) {
    say(`${about.stops} pictures are pinned, and no more can be`);
    return;
  }
  choose({ pins: pinned ? state.pins.filter((other) => other !== picture) : [...state.pins, picture] });
  say(`${called(picture)} ${pinned ? "is no longer pinned" : "is pinned"}; ${state.pins.length} pinned`);
};

const cell = (number) =>
  make(
    "li",
    {},
    make("button", { type: "button", "aria-pressed": "false", onclick: () => togglePin(numbered(number)) }, make("img", { width: about.size, height: about.size })),
  );

let told = "";

const draw = () => {
  while (grid.children.length > state.count) grid.lastChild.remove();
  while (grid.children.length < state.count) grid.append(cell(grid.children.length));
  const loading = [...grid.querySelectorAll("button")].map((button, number) => {
    const picture = numbered(number);
    button.setAttribute("aria-pressed", state.pins.includes(picture));
    return show(button.firstChild, pictureAt(picture), `Picture ${called(picture)}`);
  });
  const words = `${state.count} pictures of seed ${state.seed}${state.label ? `, ${about.classes[state.label]}` : ""}${about.styles ? `, truncation ${state.truncation}` : ""}`;
  if (words === told) return;
  told = words;
  Promise.all(loading).then(() => words === told && say(words));
};

const showChoices = () => {
  byId("seed").value = state.seed;
  byId("class").value = state.label;
  byId("truncation").value = state.truncation;
  byId("truncation-shown").textContent = state.truncation.toFixed(2);
  byId("more").disabled = state.count >= about.most;
  const sheet = byId("sheet");
  sheet.href = addressOf("sheet.png", { seed: state.seed, count: state.count, ...(state.label && { class: state.label }) });
  sheet.download = fileFor(`seed-${state.seed}`, "png");
};

const chooseSeed = () => {
  const text = byId("seed").value.trim();
  alarm(isSeed(text) ? "" : "A seed is a whole number from 0 to 9,223,372,036,854,775,807.");
  if (isSeed(text) && text !== state.seed) choose({ seed: text, count: PAGE }, true);
};

const top = (button) => button.getBoundingClientRect().top;

/* Arrow keys go to the neighbours, Home and End to the ends. */
const move = (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return; // the browser's own
  const buttons = [...grid.querySelectorAll("button")];
  const here = buttons.indexOf(document.activeElement);
  const across = buttons.filter((button) => top(button) === top(buttons[0])).length;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across, Home: -here, End: buttons.length - 1 - here };
  const target = buttons[here + steps[event.key]];
  if (here < 0 || !target) return;
  event.preventDefault();
  target.focus();
};

const offer = () => {
  byId("class-label").hidden = !about.classes.length;
  byId("class").append(make("option", { value: "" }, "all, as in the data"), ...about.classes.map((name, label) => make("option", { value: label }, name)));
  byId("truncation-label").hidden = !about.styles;
  byId("truncation-help").hidden = !about.styles;
  byId("or-mix").hidden = !about.styles;
};

export const showGrid = () => {
  offer();
  byId("new").addEventListener("click", () => {
    choose({ seed: String(Math.floor(Math.random() * 1_000_000)), count: PAGE }, true);
  });
  byId("seed").addEventListener("change", chooseSeed);
  byId("class").addEventListener("change", (event) => choose({ label: event.target.value }));
  const truncate = later(() => choose({ truncation: Number(byId("truncation").value) }), 150);
  byId("truncation").addEventListener("input", (event) => {
    byId("truncation-shown").textContent = Number(event.target.value).toFixed(2);
    truncate();
  });
  byId("more").addEventListener("click", () => {
    const first = state.count;
    choose({ count: Math.min(state.count + PAGE, about.most) });
    grid.children[first]?.firstChild.focus();
  });
  grid.addEventListener("keydown", move);
  whenChanged(showChoices);
  whenChanged(draw);
};

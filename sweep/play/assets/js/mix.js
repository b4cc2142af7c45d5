/* Styles of one pinned picture in another: coarse, middle and fine layers. */

import { byId, make, show } from "./page.js";
import { about, addressOf, called, fileFor, state, whenChanged } from "./state.js";

const from = byId("mix-from");
const into = byId("mix-into");

const cell = (layers) => {
  const image = make("img", { width: about.size, height: about.size });
  const save = make("a", { class: "button quiet" }, "PNG");
  return { layers, image, save, item: make("li", {}, image, make("span", {}, layers), save) };
};

let cells = [];

const draw = () => {
  for (const { layers, image, save } of cells) {
    const url = addressOf("mix.png", { of: from.value, with: into.value, layers });
    show(image, url, `${called(into.value)} with the ${layers} layers of ${called(from.value)}`);
    save.href = url;
    save.download = fileFor(`${layers}-of-${from.value}-in-${into.value}`, "png");
    save.setAttribute("aria-label", `Save the mix of ${layers} layers as PNG`);
  }
};

const offer = (select, otherwise) => {
  const before = select.value;
  select.replaceChildren(...state.pins.map((pin) => make("option", { value: pin }, called(pin))));
  select.value = state.pins.includes(before) ? before : otherwise;
};

const renew = () => {
  byId("mix").hidden = !about.styles || state.pins.length < 2;
  if (byId("mix").hidden) return;
  offer(from, state.pins[0]);
  offer(into, state.pins[1]);
  if (from.value === into.value) into.value = state.pins.find((pin) => pin !== from.value);
  draw();
};

export const showMix = () => {
  cells = about.layers.map(cell);
  byId("mixes").append(...cells.map(({ item }) => item));
  from.addEventListener("change", draw);
  into.addEventListener("change", draw);
  byId("swap").addEventListener("click", () => {
    [from.value, into.value] = [into.value, from.value];
    draw();
  });
  whenChanged(renew);
};

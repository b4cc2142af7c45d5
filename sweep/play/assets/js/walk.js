/* A walk through the pinned pictures and back: strips of pictures, played on a canvas, or gone through by hand. */

import { alarm, byId, LOST, wordsOf } from "./page.js";
import { about, addressOf, called, classOf, fileFor, pictureAt, state, whenChanged } from "./state.js";

const PER_SECOND = 24;
const stage = byId("stage");
const place = byId("place");
const play = byId("play");

let legs = []; // of each part of the way its strip, once it is there
let walked = ""; // the way that they are of
let loading = false;
let playing = false;
let last = 0;

const wayOf = () => addressOf("walk.png", { of: state.pins.join(",") });

const paint = (image, at) => {
  const { size } = about;
  const pen = stage.getContext("2d");
  pen.clearRect(0, 0, size, size);
  pen.drawImage(image, at * size, 0, size, size, 0, 0, size, size);
};

const fetched = async (url) => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(await wordsOf(answer));
  return createImageBitmap(await answer.blob());
};

/* Load the strips that are missing, one after the other, also where the way has changed meanwhile. */
const load = async () => {
  const leg = legs.findIndex((strip) => !strip);
  if (loading || leg < 0) return;
  const way = walked;
  loading = true;
  try {
    const strip = await fetched(`${way}&leg=${leg}`);
    if (way === walked) legs[leg] = strip;
    if (way === walked && Math.floor(place.value / about.steps) === leg) draw();
  } catch (error) {
    stop();
    alarm(error instanceof TypeError ? LOST : error.message);
    return;
  } finally {
    loading = false;
  }
  load();
};

const draw = () => {
  const leg = Math.floor(place.value / about.steps);
  const strip = legs[leg];
  if (!strip) return false;
  paint(strip, place.value % about.steps);
  return true;
};

const words = () => {
  const leg = Math.floor(place.value / about.steps);
  const next = (leg + 1) % state.pins.length;
  return `${Math.round(((place.value % about.steps) / about.steps) * 100)} % of the way from ${called(state.pins[leg])} to ${called(state.pins[next])}`;
};

const tell = () => {
  place.setAttribute("aria-valuetext", words());
  stage.setAttribute("aria-label", playing ? `The walk through ${state.pins.length} pictures, playing` : `The walk: ${words()}`);
};

const step = (now) => {
  if (!playing) return;
  requestAnimationFrame(step);
  if (now - last < 1000 / PER_SECOND) return;
  last = now;
  const next = (Number(place.value) + 1) % (Number(place.max) + 1);
  if (!legs[Math.floor(next / about.steps)]) return; // still on its way
  place.value = next;
  draw();
};

const stop = () => {
  playing = false;
  play.textContent = "Play";
  if (state.pins.length > 1) tell();
};

const start = () => {
  playing = true;
  play.textContent = "Pause";
  tell();
  load();
  requestAnimationFrame(step);
};

const first = async () => {
  const pin = state.pins[0];
  try {
    const image = await fetched(pictureAt(pin));
    if (pin === state.pins[0] && !legs[0]) paint(image, 0);
  } catch {
    // The list of pins shows the same picture, and says why it is not there.
  }
};

const renew = () => {
  const there = state.pins.length > 1;
  byId("walk").hidden = !there;
  if (!there) stop();
  if (!there || walked === wayOf()) return;
  walked = wayOf();
  legs = state.pins.map(() => null);
  place.max = legs.length * about.steps - 1;
  place.value = 0;
  byId("gif").href = addressOf("walk.gif", { of: state.pins.join(",") });
  byId("gif").download = fileFor(`walk-${state.pins.slice(0, 4).join("-to-")}`, "gif");
  byId("walk-class").textContent = about.classes.length ? `; all of it is of the first one's class, ${classOf(state.pins[0])}` : "";
  tell();
  first();
  if (playing) load();
};

export const showWalk = () => {
  stage.width = about.size;
  stage.height = about.size;
  play.addEventListener("click", () => (playing ? stop() : start()));
  place.addEventListener("input", () => {
    stop();
    if (!draw()) load();
  });
  whenChanged(renew);
};

/* The page: it asks what the generator is, which answers once that is loaded, and shows what it can do. */

import { alarm, byId, LOST, say, wordsOf } from "./page.js";
import { about, read, tell } from "./state.js";
import { showGrid } from "./grid.js";
import { showMix } from "./mix.js";
import { showPins } from "./pins.js";
import { showTranslator } from "./translate.js";
import { showWalk } from "./walk.js";

const introduce = () => {
  document.title = `${about.name} – sweep play`;
  byId("name").textContent = about.name;
  const channels = { 1: "grey", 4: "with transparency" }[about.channels];
  const classes = about.classes?.length && `${about.classes.length} classes`;
  byId("what").textContent = [about.family, `${about.size} × ${about.size} px`, channels, classes, about.sweep && [`of the sweep ${about.sweep}`, about.from].filter(Boolean).join(", ")].filter(Boolean).join(" · ");
  document.documentElement.classList.toggle("opaque", about.channels !== 4);
};

/* Goes where a link within the page leads. Its address stays as it is: behind the # stands what was chosen. */
const follow = (event) => {
  const link = event.target.closest?.("a[href^='#']");
  if (!link) return;
  event.preventDefault();
  const target = byId(link.getAttribute("href").slice(1));
  target.focus();
  target.scrollIntoView();
};

const begin = () => {
  introduce();
  say("The generator is loaded");
  if (about.translates) {
    byId("translator").hidden = false;
    showTranslator();
    return;
  }
  byId("latents").hidden = false;
  showGrid();
  showPins();
  showWalk();
  if (about.styles) showMix();
  read();
  tell();
  addEventListener("popstate", () => {
    read();
    tell();
  });
};

document.addEventListener("click", follow);
try {
  const answer = await fetch("about.json");
  if (answer.ok) {
    Object.assign(about, await answer.json());
    begin();
  } else {
    byId("what").textContent = "";
    alarm(await wordsOf(answer));
  }
} catch (error) {
  byId("what").textContent = "";
  alarm(error instanceof TypeError ? LOST : String(error));
}

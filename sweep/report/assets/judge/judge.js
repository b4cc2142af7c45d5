/* Shows a pair of grids, takes in which is better, and asks for the next. */

const byId = (id) => document.getElementById(id);
const CHOICES = { 1: "first", 2: "second", 0: "tie", ArrowLeft: "first", ArrowRight: "second", ArrowDown: "tie" };
const GONE = "The server has ended. All that you judged is saved; start “sweep judge” again to go on.";

let number = null; // of the pair that is shown; null while none can be judged

const tell = (words) => {
  byId("problem").textContent = words;
  byId("problem").hidden = !words;
};

const setBusy = (busy) => {
  byId("pair").setAttribute("aria-busy", String(busy));
};

/* Both grids appear at once, when both are there: the one that comes first would be looked at first. */
const show = async (question) => {
  const grids = ["first", "second"].map(byId);
  grids[0].src = question.first;
  grids[1].src = question.second;
  await Promise.all(grids.map((grid) => grid.decode()));
  byId("rows").replaceChildren(
    ...question.rows.map((words) => Object.assign(document.createElement("li"), { textContent: words })),
  );
  byId("rows").hidden = !question.rows.length;
  byId("undo").disabled = !question.judged;
  byId("progress").textContent = question.progress;
  number = question.number;
  setBusy(false);
};

/* What the server says goes into the page; where it cannot be had, the pair waits on. */
const ask = async (name, told) => {
  const waiting = number;
  number = null;
  setBusy(true);
  try {
    const body = told && JSON.stringify(told);
    const method = told ? "POST" : "GET";
    const answer = await fetch(name, { method, body, headers: { "Content-Type": "application/json" }, cache: "no-store" });
    if (answer.ok) {
      tell("");
      await show(await answer.json());
      return;
    }
    tell(`Not saved: ${await answer.text()}`);
  } catch {
    tell(GONE);
  }
  number = waiting;
  setBusy(false);
};

const judge = (choice) => number !== null && ask("judgement", { number, choice });
const undo = () => number !== null && !byId("undo").disabled && ask("undo", {});

document.addEventListener("keydown", (event) => {
  // A key that is held down says nothing of the pairs that follow.
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key in CHOICES) judge(CHOICES[event.key]);
  else if (event.key === "u" || event.key === "U" || event.key === "Backspace") undo();
  else return;
  event.preventDefault();
});
for (const button of document.querySelectorAll("[data-choice]")) {
  button.addEventListener("click", () => judge(button.dataset.choice));
}
byId("undo").addEventListener("click", undo);
ask("question");

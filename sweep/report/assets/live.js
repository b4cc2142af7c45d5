/* A served page asks for newer results, and loads them when nobody is looking closely. */

const EVERY = 3000;
const said = document.getElementById("live");
const ask = async () => {
  try {
    const answer = await fetch("state", { cache: "no-store" });
    const state = await answer.text();
    said.textContent = "";
    if (answer.ok && state !== report.live) {
      if (document.getElementById("viewer").open) said.textContent = "Newer results: close the picture to see them.";
      else location.reload();
    }
  } catch {
    said.textContent = "The server has ended; this page no longer changes.";
  }
};
setInterval(ask, EVERY);

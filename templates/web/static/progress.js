// Shows how far a case is while the engine works on it. Without this the page is simply loaded again.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const name = live.querySelector("[data-name]");
  const bar = live.querySelector("[data-bar]");
  const count = live.querySelector("[data-count]");
  const write = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

  const show = (progress) => {
    if (progress.is_resting || progress.stage !== live.dataset.stage || String(progress.round) !== live.dataset.round) {
      location.reload(); // the rest of the page has changed, too
      return true;
    }
    name.textContent = progress.name;
    if (progress.total) {
      bar.max = progress.total;
      bar.value = progress.done;
      count.textContent = `${write(progress.done)} of ${write(progress.total)} parts`;
    } else if (progress.done) {
      count.textContent = `${write(progress.done)} parts so far`;
    }
    return false;
  };

  const ask = () => {
    fetch(live.dataset.look, { credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(String(answer.status)))))
      .then((progress) => show(progress) || setTimeout(ask, 5000))
      .catch(() => setTimeout(ask, 15000));
  };

  const source = new EventSource(live.dataset.events);
  const take = (event) => {
    if (show(JSON.parse(event.data))) source.close();
  };
  source.addEventListener("progress", take);
  source.addEventListener("rest", take);
  // A stream that ended by itself is opened again by the browser; one that was refused is not.
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) ask();
  });
  addEventListener("pagehide", () => source.close());
})();

// Shows how far a case is while the engine works on it. Without this the page is simply loaded again.
// A browser has few connections to one server, and the server few threads: a page that nobody sees asks for nothing, and of all pages of one browser
// one has a stream; the others ask every few seconds.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const name = live.querySelector("[data-name]");
  const bar = live.querySelector("[data-bar]");
  const count = live.querySelector("[data-count]");
  const parts = live.querySelector("[data-parts]");
  const write = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");
  let source = null;
  let timer = 0;
  let isOver = false;
  let turn = 0;
  let release = () => {};

  const stop = () => {
    turn += 1;
    clearTimeout(timer);
    release();
    release = () => {};
    if (source) source.close();
    source = null;
  };

  const reload = () => {
    isOver = true;
    stop();
    location.reload(); // the rest of the page has changed, too
  };

  const show = (progress) => {
    if (progress.is_resting || progress.stage !== live.dataset.stage || String(progress.round) !== live.dataset.round) {
      reload();
      return;
    }
    name.textContent = progress.name;
    if (progress.total) {
      bar.max = progress.total;
      bar.value = progress.done;
    }
    const said = progress.total
      ? `${write(progress.done)} of ${write(progress.total)} parts`
      : progress.done ? `${write(progress.done)} parts so far` : count.textContent;
    if (count.textContent !== said) count.textContent = said;
    if (parts) {
      const each = progress.shares.map((share) => `${share.what}: ${write(share.done)}${share.total === null ? "" : ` of ${write(share.total)}`}`);
      parts.textContent = each.join(" · ");
    }
  };

  const ask = () => {
    const mine = turn;
    fetch(live.dataset.look, { credentials: "same-origin" })
      .then((answer) => {
        if (answer.redirected || answer.status === 403 || answer.status === 404) {
          reload(); // signed out, or the case is gone: the page itself says so
          return;
        }
        if (!answer.ok) throw new Error(String(answer.status));
        answer.json().then(show);
      })
      .catch(() => {})
      .finally(() => {
        if (mine === turn && !isOver && !document.hidden) timer = setTimeout(ask, 5000);
      });
  };

  const listen = () => {
    source = new EventSource(live.dataset.events);
    const take = (event) => show(JSON.parse(event.data));
    source.addEventListener("progress", take);
    source.addEventListener("rest", take);
    // A stream that ended by itself is opened again by the browser; one that was refused is not.
    source.addEventListener("error", () => {
      if (!source || source.readyState !== EventSource.CLOSED || isOver) return;
      stop();
      ask();
    });
  };

  const begin = () => {
    stop();
    if (isOver || document.hidden) return;
    const mine = turn;
    if (!navigator.locks) {
      listen(); // an old browser, or a page that did not come by https
      return;
    }
    navigator.locks.request("dsr-progress", { ifAvailable: true }, (lock) => {
      if (mine !== turn) return undefined;
      if (!lock) {
        ask();
        return undefined;
      }
      listen();
      return new Promise((done) => { release = done; });
    });
  };

  document.addEventListener("visibilitychange", begin);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) begin(); });
  begin();
})();

// Keys for deciding about many records: j and k move between them, digits choose. Everything works without it.
(() => {
  const records = [...document.querySelectorAll("fieldset.possible")];
  if (!records.length) return;
  document.querySelectorAll(".only-script").forEach((hint) => { hint.hidden = false; });
  let at = -1;
  const radios = (record) => [...record.querySelectorAll("input[type=radio]:not(:disabled)")];
  const go = (to) => {
    at = Math.max(0, Math.min(records.length - 1, to));
    const found = radios(records[at]);
    (found.find((radio) => radio.checked) || found[0])?.focus();
    records[at].scrollIntoView({ block: "center" });
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target.matches("input:not([type=radio]), select, textarea")) return;
    const inside = records.findIndex((record) => record.contains(document.activeElement));
    if (inside >= 0) at = inside;
    if (event.key === "j") go(at + 1);
    else if (event.key === "k") go(at - 1);
    else if (/^[1-9]$/.test(event.key) && at >= 0) {
      const radio = radios(records[at])[Number(event.key) - 1];
      if (!radio) return;
      radio.checked = true;
      if (at < records.length - 1) go(at + 1);
    } else return;
    event.preventDefault();
  });
})();

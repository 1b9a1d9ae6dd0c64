// A box into which a file can be dropped. Without this script the same box has an ordinary file input and a button.
"use strict";
for (const box of document.querySelectorAll("form.drop")) {
  const input = box.querySelector("input[type=file]");
  const hint = box.querySelector("[data-drop-hint]");
  if (hint) hint.hidden = false;
  const over = (event) => { event.preventDefault(); box.classList.add("over"); };
  box.addEventListener("dragenter", over);
  box.addEventListener("dragover", over);
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    if (!event.dataTransfer || event.dataTransfer.files.length === 0) return;
    const one = new DataTransfer();
    one.items.add(event.dataTransfer.files[0]);
    input.files = one.files;
    box.requestSubmit();
  });
}
